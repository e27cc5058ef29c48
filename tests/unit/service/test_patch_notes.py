"""What is said beside a patch about who writes the workload."""

from __future__ import annotations

from models.kubernetes.channels import Channel, ChannelDecision
from service.cli.patch_commands import say_channel


def test_the_channel_stands_before_its_reason():
    assert say_channel(ChannelDecision(Channel.GIT, "Argo CD writes it")) == "git: Argo CD writes it"


def test_a_channel_that_is_not_known_is_told_by_its_reason_alone():
    assert (
        say_channel(ChannelDecision(Channel.NONE, "who writes it is not known"))
        == "who writes it is not known"
    )

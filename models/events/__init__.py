"""Days that are not like others: sales, holidays, load tests, incidents."""

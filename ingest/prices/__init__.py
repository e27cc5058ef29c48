"""Published price lists of AWS, Azure, Google Cloud and Alibaba Cloud, read as files."""

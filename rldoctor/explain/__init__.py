"""Every code, diagnosis, metric, check and concept as a page, and the rule reference made of them."""

"""What is allowed: names, the settings of topics and subscriptions, filters, and the limits of what is published."""

"""What an endpoint's answer says and means."""

"""Carries out what the deliveries order: polls, requests to the app, calls about messages; each in threads of its own kind."""

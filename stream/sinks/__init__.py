"""Where events go besides MQTT and HTTP: files and webhooks."""

"""Media in and out, and the outside world: sources, encoders, WebRTC, MQTT, HTTP. Knows time, not saliency."""

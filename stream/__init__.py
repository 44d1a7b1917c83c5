"""Media in and out, and the outside world: sources, encoders, WebRTC, MQTT, HTTP. Knows nothing of saliency networks."""

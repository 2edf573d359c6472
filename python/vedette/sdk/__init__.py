"""The parts of ``opentelemetry.sdk`` that Vedette provides, natively."""

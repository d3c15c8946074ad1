//! Metrics: every name in one place, counted per worker, summed when scraped

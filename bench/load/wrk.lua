-- The load: one fixed request, byte for byte what the harness probes with. Replacing wrk.format
-- keeps the order of the headers, which wrk's own table of headers would lose.
local request = [[{{request}}]]
request = request:gsub("\r?\n", "\r\n")

function wrk.format()
   return request
end

-- One line for the harness. Latencies in microseconds.
function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      '{{marker}} {"requests":%d,"bytes":%d,"duration_us":%d,' ..
      '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
      '"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d}\n',
      summary.requests, summary.bytes, summary.duration,
      e.connect, e.read, e.write, e.status, e.timeout,
      latency:percentile(50), latency:percentile(90), latency:percentile(99),
      latency:percentile(99.9), latency.max))
end

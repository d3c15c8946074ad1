-- The load: one fixed request, byte for byte what the harness probes with, or the same for one host
-- after the other. Replacing wrk.format keeps the order of the headers, which wrk's own table of
-- headers would lose.
local request = [[{{request}}]]
request = request:gsub("\r?\n", "\r\n")

-- Made beforehand; a large prime takes turns far apart.
local hosts, stride, turn = {{hosts}}, 7919, 0
local requests = {}
for n = 1, hosts - 1 do
   requests[n] = request:gsub("Host: bench%.", "Host: bench-" .. n .. ".", 1)
end
requests[0] = request

if hosts == 1 then
   function wrk.format()
      return request
   end
else
   function wrk.format()
      turn = (turn + stride) % hosts
      return requests[turn]
   end
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

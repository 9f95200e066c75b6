# A Rack application: `/NAME?SECONDS` takes so long.

require "json"

def record(what, job)
  line = { t: Process.clock_gettime(Process::CLOCK_MONOTONIC), job: job, what: what,
           task: ENV.fetch("EMULATOR_TASK", "0"), pid: Process.pid, attempt: 1 }
  File.open(ENV.fetch("RECORDS"), File::WRONLY | File::CREAT | File::APPEND) { |file| file.syswrite(line.to_json + "\n") }
end

run lambda { |env|
  name = env["PATH_INFO"].delete("/")
  unless name.empty?
    record("start", name)
    sleep(env["QUERY_STRING"].to_f)
    record("end", name)
  end
  [200, { "content-length" => "3" }, ["ok\n"]]
}

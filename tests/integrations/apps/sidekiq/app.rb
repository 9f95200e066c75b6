# frozen_string_literal: true

# A Sidekiq app as people write them; it knows nothing of a supervisor, but for the one job that asks how long it has.

require "json"
require "sidekiq"

Sidekiq.configure_server { |config| config.redis = {url: ENV.fetch("REDIS_URL")} }

def record(what, job, **more)
  line = {t: Process.clock_gettime(Process::CLOCK_MONOTONIC), job: job, what: what, task: ENV.fetch("EMULATOR_TASK", "0"),
          pid: Process.pid, attempt: 1, **more}
  File.open(ENV.fetch("RECORDS"), File::WRONLY | File::CREAT | File::APPEND, 0o644) { |file| file.syswrite("#{JSON.generate(line)}\n") }
end

class Sample
  include Sidekiq::Worker

  def perform(name, seconds)
    record("start", name)
    sleep(seconds)
    record("end", name)
  end
end

class Fails
  include Sidekiq::Worker

  def perform(name, seconds)
    record("start", name)
    sleep(seconds)
    raise "as asked"
  end
end

class Calculates
  include Sidekiq::Worker

  def perform(name, seconds)
    record("start", name)
    until_then = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < until_then
    record("end", name)
  end
end

class AsksHowLong
  include Sidekiq::Worker

  def perform(name, seconds)
    record("start", name)
    until_then = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    sleep(0.02) until EcsSupervisor.stopping? || Process.clock_gettime(Process::CLOCK_MONOTONIC) > until_then
    record("told #{EcsSupervisor.stopping?} #{EcsSupervisor.seconds_left&.round(1)}", name)
    record("end", name)
  end
end

class Pages
  include Sidekiq::Worker

  # How long a page takes.
  PAGE_SECONDS = 0.05

  # Saves how far it has come, and goes on in another worker.
  def perform(name, seconds, from = 0)
    record("start", name)
    (from...Integer(seconds / PAGE_SECONDS)).each do |page|
      return self.class.perform_async(name, seconds, page) if defined?(EcsSupervisor) && EcsSupervisor.stopping?
      sleep(PAGE_SECONDS)
    end
    record("end", name)
  end
end

class Commands
  include Sidekiq::Worker

  def perform(name, _seconds)
    record("start", name)
    record("command says #{`ruby -e 'print ENV["RUBYOPT"].inspect, defined?(EcsSupervisor).inspect'`}", name)
    child = fork do
      # A fork that works for itself, with its parent's books in its memory.
      EcsSupervisor.job("in the fork") { sleep(0.5) } if defined?(EcsSupervisor)
      exit!(0)
    end
    Process.wait(child)
    record("end", name)
  end
end

# frozen_string_literal: true

# Holds for Sidekiq, with nothing but Ruby's standard library: require it where Sidekiq is configured. Without ECS_SUPERVISOR_API
# (http://127.0.0.1:8126) it does nothing.

require "json"
require "net/http"
require "securerandom"
require "sidekiq/fetch"

class EcsSupervisorHold
  API = URI(ENV.fetch("ECS_SUPERVISOR_API", ""))
  TTL = 60; REFRESH = 15 # seconds: a hold ends by itself unless it is put again
  PATIENCE = 10 # so long a silent supervisor is waited for, at the start and after it was there; then we go on without

  class << self
    # The status of the answer; 0 for none. wait: how long the supervisor may take, in seconds.
    def ask(method, path, body = nil, wait: 0)
      http = Net::HTTP.new(API.hostname, API.port, nil)
      http.open_timeout, http.read_timeout, http.max_retries = 2, wait + 5, 0
      http.send_request(method, path, body && JSON.generate(body), "Content-Type" => "application/json").code.to_i.tap { @heard = now }
    rescue StandardError
      0
    end

    def allowed?(status) = status.zero? ? now - @heard >= PATIENCE : ![409, 503].include?(status)
    def welcome? = @welcome
    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def follow
      @heard = now
      Thread.new do
        loop do
          status = ask("GET", "/v1/accepting?wait=20&was=#{@welcome == true}", wait: 20)
          @welcome = allowed?(status)
          sleep(1) unless [200, 503].include?(status)
        end
      end
    end
  end

  # Around every job. One that must not begin goes back to the front of its queue.
  def call(_worker, job, queue)
    path, about = "/v1/holds/#{SecureRandom.uuid}", {about: "#{job["class"]} #{job["jid"]}", ttl: TTL}
    unless self.class.welcome? && self.class.allowed?(self.class.ask("PUT", path, {**about, wait: 15}, wait: 15))
      return Sidekiq.redis { |redis| redis.rpush("queue:#{queue}", Sidekiq.dump_json(job)) }
    end
    lock, done = Mutex.new, false
    refresher = Thread.new { loop { sleep(REFRESH); lock.synchronize { self.class.ask("PUT", path, about) unless done } } }
    yield
  ensure
    lock&.synchronize { done = true } # no refreshing after the end
    refresher&.kill
    self.class.ask("DELETE", path)
  end

  module Gate
    def retrieve_work
      return super if EcsSupervisorHold.welcome?
      sleep(0.2)
      nil
    end
  end
end

unless EcsSupervisorHold::API.host.nil?
  Sidekiq::BasicFetch.prepend(EcsSupervisorHold::Gate)
  Sidekiq.configure_server do |config|
    config.on(:startup) { EcsSupervisorHold.follow }
    config.server_middleware { |chain| chain.prepend(EcsSupervisorHold) }
  end
end

# frozen_string_literal: true

# Attaches ecs-supervisor to Sidekiq: a gate before every fetch, and a hold around every job.
#
#   RUBYOPT=-r/.../ecs_supervisor_sidekiq.rb    without an edit; `ecs-supervisor run -- bundle exec sidekiq` sets it
#   require "ecs_supervisor_sidekiq"            in an initializer, with this file and ecs_supervisor.rb in lib/
#
# Rules
#   1. Nothing of Sidekiq is loaded from here, and no other library before Bundler has chosen the versions. Loaded by RUBYOPT,
#      this file only puts a folder on the load path whose one file is found in place of sidekiq/cli, loads that, and attaches.
#      Only the sidekiq program ever asks for sidekiq/cli: rake, irb and a job's own commands get one more folder to look in.
#   2. The gate is in front of the fetch, around whichever fetcher the app has chosen. What a fetch that began before brings
#      after the gate was shut is pushed back by the fetcher's own `requeue`, as Sidekiq's quiet does, not through retries.
#   3. A hold begins where the job was popped, in the same breath as the gate is looked at, and ends when its processor is
#      done with it, the push to the retry set included. So `shut` is true from the moment it is said; there is nothing to wait for.
#   4. This quiet can be taken back. Sidekiq's own (TSTP, or its shutdown) shuts the gate for good.
#   5. All or nothing: without one of the methods below there is no gate, but one warning, a server middleware for the holds, and
#      Sidekiq's own quiet.
#
# In a job, to end early and go on elsewhere:
#
#   def perform(id, from = 0)
#     pages(id).drop(from).each.with_index(from) do |page, number|
#       return self.class.perform_async(id, number) if defined?(EcsSupervisor) && EcsSupervisor.stopping?
#       render(page)
#     end
#   end
#
# Patched (Sidekiq 6.4; 5 to 8 have the same names): Launcher#run, #quiet, #stop; Manager#hard_shutdown where the time limit
# is ours; Processor#process_one; `retrieve_work` of the fetcher that stands when the launcher runs (6: options[:fetch]; from 7
# on one for each capsule).
# A processor that Sidekiq kills at its own time limit leaves process_one by Sidekiq::Shutdown, an Interrupt, so only `ensure`
# sees it. Not possible: a job that SIGKILL hits is lost, because the plain fetcher has popped it for good.

unless defined?(Sidekiq::Launcher)
  $LOAD_PATH.unshift(File.join(__dir__, "door")) if ENV.key?("ECS_SUPERVISOR_SOCKET")
  return
end

module EcsSupervisor
  module SidekiqHook
    TESTED = ["6.4", "6.5"].freeze # from, and the first that was not
    CLOSED_PAUSE = 0.2 # seconds; a processor looks that often whether it has to end

    module Launching
      def run(*, **)
        SidekiqHook.guard { SidekiqHook.start(self) }
        super
      end

      def quiet(*)
        SidekiqHook.guard { SidekiqHook.close }
        super
      end

      def stop(*)
        SidekiqHook.guard { SidekiqHook.close }
        super
      end
    end

    module Processing
      private

      def process_one(*)
        super
      ensure
        Thread.handle_interrupt(NEVER) { SidekiqHook.finish }
      end
    end

    # Where the time limit is ours: without a supervisor nobody kills this process, so the jobs have all the time they take.
    module Waiting
      private

      def hard_shutdown(*)
        sleep CLOSED_PAUSE until !SidekiqHook.orphaned? || @workers.empty?
        super
      end
    end

    module Gate
      def retrieve_work(*)
        return unless SidekiqHook.open?
        work = super
        work && SidekiqHook.take(work)
      end
    end

    # For the holds only, where there is no gate.
    class Middleware
      def call(_worker, job, _queue, &block)
        EcsSupervisor.job("#{job["wrapped"] || job["class"]} #{job["jid"]}", &block)
      end
    end

    class << self
      # In the process that has loaded Sidekiq's command line, once.
      def attach
        return if @attached
        @attached = true
        require_relative "ecs_supervisor"
        ENV["RUBYOPT"] = ENV["RUBYOPT"].to_s.split.reject { |word| word == "-r#{__FILE__}" }.join(" ")
        ENV.delete("RUBYOPT") if ENV["RUBYOPT"].empty?
        ENV.delete("ECS_SUPERVISOR_ATTACH")
        return unless client.supervised?
        guard { patch }
      end

      # Called by the client's thread.
      def changed
        guard do
          wanted = @closed || !client.state.accepting || client.state.stopping
          if @gated
            client.shut = wanted
          elsif wanted && (launcher = ::Sidekiq::CLI.instance.launcher)
            launcher.quiet # for good; where there is no launcher yet, the next news or TERM will do
          end
        end
      end

      # Called by the client's thread when the supervisor has died: nobody would protect the jobs or stop this process in time.
      def orphaned
        return if @orphaned
        @orphaned = true
        warn "the supervisor has died; this worker takes no new work and ends when its jobs have"
        close
        Process.kill("TERM", Process.pid)
      end

      def orphaned?
        @orphaned
      end

      # Before the launcher's threads are there; the app has been loaded.
      def start(launcher)
        fetchers = fetchers_of(launcher)
        if @gated && (fetchers.empty? || !fetchers.all? { |each| each.respond_to?(:retrieve_work) })
          @gated = false
          warn "this version of Sidekiq keeps its fetcher elsewhere; jobs are seen, but a quiet is for good"
        end
        fetchers.each { |each| each.singleton_class.prepend(Gate) } if @gated
        use_middleware unless @gated
        introduce
        changed
        advise(fetchers)
        limit(launcher)
        # A gate is not open because nobody has answered yet.
        client.wait([Client::FIRST_WORD, client.hold_wait].max) { client.spoken? }
      end

      # For good: Sidekiq has been told to end.
      def close
        @closed = true
        client.shut = true if @gated
      end

      # Whether to fetch; waits a moment where not.
      def open?
        return true unless client.shut?
        # Also for good: a processor comes back at once until Sidekiq has told it to end.
        client.wait(CLOSED_PAUSE) { !client.shut? && !@closed }
        !client.shut?
      end

      # What a fetch has brought: the work to begin, nil where it went back.
      def take(work)
        number, refusal = client.ask(about(work), gated: true) do |hold|
          Thread.current.thread_variable_set(:ecs_supervisor_hold, hold)
        end
        return put_back(work) if number == :shut
        return work unless refusal
        put_back(work)
        finish
        # Whoever was refused would be so again.
        client.wait(1.0) { client.shut? || @closed }
        nil
      rescue StandardError => error
        broken(error)
        work
      end

      def finish
        number = Thread.current.thread_variable_get(:ecs_supervisor_hold)
        return unless number
        client.end(number)
        Thread.current.thread_variable_set(:ecs_supervisor_hold, nil)
      end

      # Keep a defect of ours away from the worker. Never around a job.
      def guard
        yield
      rescue StandardError => error
        broken(error)
      end

      private

      def client
        EcsSupervisor.client
      end

      def patch
        version = ::Sidekiq::VERSION.to_s
        from, to = TESTED.map { |each| Gem::Version.new(each) }
        inside = from <= Gem::Version.new(version) && Gem::Version.new(version) < to
        missing = missing_methods
        warn "Sidekiq #{version} was not tested (#{TESTED.first} was); what fits is attached" unless inside
        if missing.empty?
          ::Sidekiq::Launcher.prepend(Launching)
          ::Sidekiq::Processor.prepend(Processing)
        else
          warn "Sidekiq #{version} has no #{missing.join(", ")}; jobs are seen, but a quiet is for good"
          use_middleware
        end
        @gated = missing.empty?
        introduce
      end

      def missing_methods
        {::Sidekiq::Launcher => %i[run quiet stop], ::Sidekiq::Processor => %i[process_one]}.flat_map do |owner, names|
          names.reject { |name| owner.method_defined?(name) || owner.private_method_defined?(name) }
        end
      end

      def introduce
        client.introduce("sidekiq #{Socket.gethostname}", framework: "sidekiq", version: ::Sidekiq::VERSION.to_s,
          gate: @gated, listener: self)
      end

      def use_middleware
        ::Sidekiq.configure_server { |config| config.server_middleware { |chain| chain.prepend(Middleware) } }
      end

      def fetchers_of(launcher)
        managers = launcher.instance_variable_get(:@managers) # from 7 on
        return managers.map { |each| each.capsule.fetcher } if managers
        [options_of(launcher)[:fetch]].compact
      end

      def options_of(launcher)
        launcher.respond_to?(:manager) ? launcher.manager.options : launcher.instance_variable_get(:@config)
      end

      # Sidekiq's own time limit pushes unfinished jobs back: it must come before our SIGKILL, and needs no edit to be there.
      def limit(launcher)
        most = ENV.delete("_ECS_SUPERVISOR_STOP_SECONDS").to_i
        options = options_of(launcher)
        return if most <= 0 || options[:timeout].nil? || options[:timeout] == most
        if options[:timeout] == default_timeout
          options[:timeout] = most
          ::Sidekiq::Manager.prepend(Waiting) if ::Sidekiq::Manager.private_method_defined?(:hard_shutdown)
        elsif options[:timeout] > most
          client.advise("timeout", "Sidekiq waits #{options[:timeout]} s for its jobs, but is killed after #{most + 1} s, and" \
            " what it has not pushed back by then is lost", "set :timeout: #{most} or less, or a longer stop timeout")
        end
      end

      def default_timeout
        (defined?(::Sidekiq::DEFAULTS) ? ::Sidekiq::DEFAULTS : ::Sidekiq::Config::DEFAULTS)[:timeout]
      end

      def advise(fetchers)
        return unless fetchers.any? { |each| each.instance_of?(::Sidekiq::BasicFetch) }
        client.advise("fetch", "a job that is running when its process is killed (SIGKILL, out of memory) is lost: Sidekiq's own" \
          " fetcher has taken it off its queue", "keep jobs short of the stop timeout; a reliable fetcher (super_fetch) survives a kill")
      end

      # "SendMail 3f2a9c", from the job as it lies in Redis.
      def about(work)
        job = ::Sidekiq.load_json(work.job)
        "#{job["wrapped"] || job["class"]} #{job["jid"]}"
      rescue StandardError
        "job" # no JSON: Sidekiq buries it
      end

      # nil; or the work, to begin after all, where the broker is away: better run than lost. Not interrupted by Sidekiq's
      # Shutdown, because between the pop and the push the work is nowhere but here.
      def put_back(work)
        Thread.handle_interrupt(NEVER) { work.requeue }
        nil
      rescue StandardError => error
        broken(error)
        client.begin(about(work)) { |hold| Thread.current.thread_variable_set(:ecs_supervisor_hold, hold) }
        work
      end

      def broken(error)
        warn "the hook in Sidekiq failed (#{error.class}: #{error.message}); the worker runs as without it"
      end

      def warn(what)
        return if (@warned ||= []).include?(what)
        @warned << what
        $stderr.write("ecs-supervisor: #{what}\n")
      rescue SystemCallError, IOError
        nil
      end
    end
  end
end

EcsSupervisor::SidekiqHook.attach

# frozen_string_literal: true

# Tells ecs-supervisor what this process works on and says whether a stop has begun. Standard library only.
#
#   EcsSupervisor.job("send_mail 3f2a") do               # the task is protected while the block runs
#     pages.each do |page|
#       break save(page) if EcsSupervisor.stopping?      # EcsSupervisor.seconds_left says how long there is
#       render(page)
#     end
#   end
#
# Rules
#   1. Nothing here fails a job or keeps it waiting, and without a supervisor (no ECS_SUPERVISOR_SOCKET) nothing happens.
#      The one wait is asked for: under `protect before-start` `ask` waits ECS_SUPERVISOR_HOLD_WAIT seconds at most.
#   2. A hold is written to the socket, in one piece, before the job's first line runs. What does not fit is said by
#      another thread, as things stand by then.
#   3. After a lost connection it connects again and says anew which holds are open.
#   4. A forked child is a holder of its own and never speaks for its parent.
#   5. No exception thrown at a thread (Timeout, Sidekiq::Shutdown) finds the books half written.

# The file may be loaded from two places, an app's own copy and the supervisor's: the first one stays.
return if defined?(EcsSupervisor::Client)

require "json"
require "socket"

module EcsSupervisor
  # What the supervisor last said. deadline: when work in flight will be interrupted, nil if never.
  State = Struct.new(:accepting, :stopping, :deadline)
  UNKNOWN = State.new(true, false, nil).freeze
  # Ruby looks for thrown exceptions where a method returns, also the `hash` of a key of a new Hash: hence a constant.
  NEVER = {Exception => :never}.freeze

  class << self
    def client
      @client = Client.new(@client) if @client.nil? || @client.pid != Process.pid
      @client
    end

    # Hold the task while the block runs.
    def job(about)
      number = nil
      client.begin(about) { |begun| number = begun }
      yield
    ensure
      Thread.handle_interrupt(NEVER) { client.end(number) }
    end

    # Whether the task is on its way out: finish soon, or save and hand back.
    def stopping?
      client.state.stopping
    end

    # Seconds until work in flight will be interrupted; nil while nothing is planned.
    def seconds_left
      deadline = client.state.deadline
      deadline && [0.0, deadline - EcsSupervisor.now].max
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  # This process as a holder.
  class Client
    # Between attempts to connect, in seconds; the last is for ever, where the supervisor is gone.
    RETRY = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0].freeze
    # A supervisor gone for so many seconds says nothing any more.
    FORGET = 10.0
    # For the supervisor's first word: a gate is not open because nobody has answered yet.
    FIRST_WORD = 0.5
    # A supervisor that hung up and whose socket nobody listens on any more for so many seconds has died.
    DEAD = 1.0

    attr_reader :pid, :state, :hold_wait

    def initialize(parent = nil)
      parent&.forsake
      @pid = Process.pid
      @state = parent ? parent.state : UNKNOWN
      @lock = Mutex.new
      @news = ConditionVariable.new
      @open = {} # number => what people read
      @said = {} # number => true: this connection has heard of it
      @answers = {} # number => :none until the supervisor has answered, then why not, or nil
      @advices = []
      @number = 0
      @hello = {about: File.basename($PROGRAM_NAME)}
      path = ENV["ECS_SUPERVISOR_SOCKET"].to_s
      @path = path unless path.empty? || path == "none"
      @hold_wait = @path ? [ENV["ECS_SUPERVISOR_HOLD_WAIT"].to_f, 0.0].max : 0.0
    end

    def supervised?
      !@path.nil?
    end

    # Name this process as people know it. gate: it will say `shut` and `opened`. listener: is called, on this client's own
    # thread, at every news (changed) and when the supervisor has died (orphaned).
    def introduce(about, gate: false, listener: nil, **more)
      exclusively do
        @hello = {about: about, gate: gate, **more}
        @listener = listener if listener
        tell(hello)
      end
      start
    end

    # Begin a hold; its number. nil without a supervisor, :shut where `gated` and the gate is shut. The block is told the
    # number too, before any exception thrown at this thread can come between.
    def begin(about, gated: false, asks: false)
      return unless start
      exclusively do
        next :shut if gated && @shut
        number = @number += 1
        @open[number] = about.to_s[0, 200]
        @answers[number] = :none if asks
        say(number)
        yield number if block_given?
        number
      end
    end

    # Begin a hold under `before-start`, and wait for the answer: [number, why it may not begin or nil].
    def ask(about, gated: false, &block)
      asks = @hold_wait > 0 && !@unanswered
      number = self.begin(about, gated: gated, asks: asks, &block)
      return [number, nil] unless asks && number.is_a?(Integer)
      begin
        wait(@hold_wait) { @answers[number] != :none }
      ensure
        answer = exclusively do
          @unanswered = @answers[number] == :none
          said = @answers.delete(number)
          say(number) if said.is_a?(String) # a refusal has ended it over there; until it is handed back it goes on
          said
        end
      end
      [number, answer == :none ? nil : answer]
    end

    # End a hold.
    def end(number)
      return unless number.is_a?(Integer) && @pid == Process.pid
      exclusively do
        @open.delete(number)
        @answers.delete(number)
        say(number)
      end
    end

    # Shut: nothing new will begin here. Open: the way back.
    def shut=(value)
      exclusively do
        tell({op: value ? "shut" : "opened"}) if value != @shut
        @shut = value
        @news.broadcast
      end
    end

    def shut?
      @shut
    end

    # Wait, at most so many seconds, until the block is true; whether it is.
    def wait(seconds)
      deadline = EcsSupervisor.now + seconds
      @lock.synchronize do
        until (reached = yield) || (left = deadline - EcsSupervisor.now) <= 0
          @news.wait(@lock, left)
        end
        reached
      end
    end

    # Whether the supervisor has said how things stand.
    def spoken?
      !@state.equal?(UNKNOWN)
    end

    def advise(setting, why, fix)
      exclusively { tell((@advices << {op: "advice", setting: setting, why: why, fix: fix}).last) }
    end

    # Close our descriptor only: a connection inherited through fork is the parent's.
    def forsake
      @socket&.close
    rescue IOError
      nil
    end

    private

    # Nothing inside waits, so that nobody outside waits for long.
    def exclusively(&block)
      Thread.handle_interrupt(NEVER) { @lock.synchronize(&block) }
    end

    def start
      return false unless @path
      @reader ||= exclusively { @reader || Thread.new { run } }
      true
    end

    # Say what is true of a hold, unless that is known.
    def say(number)
      about = @open[number]
      if about
        line = {op: "hold", id: number.to_s, about: about}
        line[:wait] = true if @answers[number] == :none
        @said[number] = true if tell(line)
      elsif @said[number] && tell({op: "release", id: number.to_s})
        @said.delete(number)
      end
    end

    # Write a line if there is room; whether that was so. Short writes to a Unix socket are whole or not at all.
    def tell(line)
      return false if @socket.nil? || @behind
      text = spell(line)
      case @socket.write_nonblock(text, exception: false)
      when text.bytesize then return true
      when :wait_writable
        @behind = true
        Thread.new(@socket) { |socket| catch_up(socket) }
      else @socket.shutdown # in half a line nothing more can be said
      end
      false
    rescue SystemCallError, IOError
      false # the reader sees this end too, and everything is said anew
    end

    def spell(line)
      "#{JSON.generate(line)}\n"
    rescue StandardError # a name that is no UTF-8
      "#{JSON.generate(line.transform_values { |value| value.is_a?(String) ? value.dup.force_encoding("UTF-8").scrub : value })}\n"
    end

    def hello
      {op: "hello", v: 1, **@hello}
    end

    def catch_up(socket)
      loop do
        IO.select(nil, [socket])
        break if exclusively { say_everything(socket) }
      end
    rescue SystemCallError, IOError
      nil
    end

    def say_everything(socket)
      return true unless @socket.equal?(socket)
      @behind = false
      (@said.keys - @open.keys | (@open.keys - @said.keys)).each { |number| say(number) }
      tell({op: @shut ? "shut" : "opened"}) if @hello[:gate]
      # Where it did not fit again, another thread has taken over.
      true
    end

    def run
      tries = 0
      heard_at = nil
      while @pid == Process.pid
        begin
          converse { tries = 0 }
          heard_at = EcsSupervisor.now
        rescue SystemCallError, IOError => error
          silence = heard_at ? EcsSupervisor.now - heard_at : 0
          @listener&.orphaned if silence > DEAD && error.is_a?(Errno::ECONNREFUSED)
          hear(UNKNOWN) if silence > FORGET && spoken?
        end
        # A bit more for each: the processes of a pool all lost their supervisor at the same instant.
        sleep((RETRY[tries] || RETRY.last) * (1 + rand / 2))
        tries += 1
      end
    end

    def converse
      socket = UNIXSocket.new(@path)
      exclusively do
        @socket = socket
        @behind = false
        @said = {}
        tell(hello)
        @open.each_key { |number| say(number) }
        tell({op: "shut"}) if @shut
        @advices.each { |advice| tell(advice) }
      end
      while (line = socket.gets)
        yield # heard: the next loss is a new one
        read(line)
      end
    ensure
      exclusively { @socket = nil if @socket.equal?(socket) }
      socket&.close
    end

    def read(line)
      message = JSON.parse(line)
      case message["op"]
      when "state"
        left = message["seconds_left"]
        deadline = left && EcsSupervisor.now + left
        hear(State.new(message["accepting"] != false, message["stopping"] == true, deadline))
      when "granted" then answer(message["id"].to_i, nil)
      when "refused" then answer(message["id"].to_i, message["why"].to_s)
      end
    rescue JSON::ParserError, TypeError, NoMethodError
      nil # not ours
    end

    def answer(number, why)
      exclusively do
        @unanswered = false
        if @answers[number] == :none
          @answers[number] = why
        elsif why && @open[number]
          say(number) # nobody waited any more: over there the hold has ended, but here the work runs
        end
        @news.broadcast
      end
    end

    def hear(state)
      exclusively do
        @state = state
        @unanswered = false
        @news.broadcast
      end
      @listener&.changed
    end
  end
end

# frozen_string_literal: true

# Found in place of Sidekiq's own file of this name, once: loads that one, then attaches. Why: see ecs_supervisor_sidekiq.rb.

$LOAD_PATH.delete(File.expand_path("..", __dir__))
require "sidekiq/cli"
load File.expand_path("../../ecs_supervisor_sidekiq.rb", __dir__)

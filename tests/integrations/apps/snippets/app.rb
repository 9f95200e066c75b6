# frozen_string_literal: true

# The sample app of Sidekiq, with the client of the task definition. The one line that a user adds.

require "sidekiq"
require ENV.fetch("CLIENT")
require_relative "../sidekiq/app"

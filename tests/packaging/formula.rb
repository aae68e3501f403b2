# frozen_string_literal: true

# Reads the formula as Homebrew would: every machine gets one archive, which has its sum and all that is installed from it.
#
#   formula.rb FORMULA FOLDER    the folder holds the archives
require "digest"
require "pathname"
require "tmpdir"

MACHINES = [%i[macos arm], %i[macos intel], %i[linux arm], %i[linux intel]].freeze

# As much of Homebrew's class as the formula uses.
class Formula
  class << self
    attr_accessor :machine, :found

    %i[macos linux arm intel].each do |one|
      define_method("on_#{one}") { |&block| block.call if Formula.machine.include?(one) }
    end

    %i[desc homepage version license url sha256].each do |field|
      define_method(field) { |value| (Formula.found[field] ||= []) << value }
    end

    def test; end
  end

  def bin = Taker.new
  alias man1 bin
  alias bash_completion bin
  alias zsh_completion bin
  alias fish_completion bin
end

# A folder that things are installed into from the current one.
class Taker
  def install(*what)
    names = what.flat_map { |one| one.is_a?(Hash) ? one.keys : one }
    missing = names.reject { |name| File.file?(name) }
    abort "the archive lacks #{missing}" unless missing.empty?
    abort "nothing is installed" if names.empty?
  end
end

formula, folder = ARGV.map { |path| File.expand_path(path) }
urls = MACHINES.map do |machine|
  Formula.machine = machine
  Formula.found = {}
  Object.send(:remove_const, :JulesBatch) if defined?(JulesBatch)
  load formula
  odd = Formula.found.reject { |_, values| values.size == 1 }
  abort "#{machine}: not one each: #{odd}" unless odd.empty? && Formula.found.size == 6
  url, sum, homepage, version = Formula.found.values_at(:url, :sha256, :homepage, :version).map(&:first)
  archive = File.join(folder, File.basename(url))
  abort "#{machine}: another address: #{url}" unless url == "#{homepage}/releases/download/v#{version}/#{File.basename(url)}"
  abort "#{machine}: not the sum of #{archive}" unless Digest::SHA256.file(archive).hexdigest == sum
  system = { %i[macos] => "apple-darwin", %i[linux] => "linux-musl" }.fetch(machine.take(1))
  cpu = { %i[arm] => "aarch64", %i[intel] => "x86_64" }.fetch(machine.drop(1))
  abort "#{machine}: gets #{url}" unless url.end_with?("#{system}.tar.gz") && url.include?("-#{cpu}-")
  Dir.mktmpdir do |work|
    Kernel.system("tar", "-xzf", archive, "-C", work, exception: true)
    Dir.chdir(work) { JulesBatch.new.install }
  end
  url
end
abort "two machines get the same archive" unless urls.uniq.size == MACHINES.size
puts "the formula installs #{urls.size} archives"

# Homebrew on Linux. Put the sum of the published sdist in, then let brew write the resources:
#   brew update-python-resources metabonk-tui
class MetabonkTui < Formula
  include Language::Python::Virtualenv

  desc "Terminal monitor for MetaBonk training"
  homepage "https://github.com/vladdiethecoder/metabonk-tui"
  url "https://files.pythonhosted.org/packages/source/m/metabonk-tui/metabonk_tui-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"

  depends_on :linux
  depends_on "python@3.13"

  def install
    virtualenv_install_with_resources
    man1.install "share/man/man1/metabonk-tui.1"
    bash_completion.install "share/bash-completion/completions/metabonk-tui"
    zsh_completion.install "share/zsh/site-functions/_metabonk-tui"
    fish_completion.install "share/fish/vendor_completions.d/metabonk-tui.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/metabonk-tui --version")
  end
end

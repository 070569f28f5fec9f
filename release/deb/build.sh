#!/bin/sh
# Makes a Debian package for the Debian that runs this, from a wheel: release/deb/build.sh dist/metabonk_tui-*.whl
# Needs python3-venv, pip and dpkg-deb. The dependencies come from the index by their hashes, into the package.
set -eu
wheel=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
out=$(pwd)
version=$(basename "$wheel" | cut -d- -f2)
python=/usr/bin/python3
series=$("$python" -c 'import sys; print("3.%d" % sys.version_info[1])')
next=$("$python" -c 'import sys; print("3.%d" % (sys.version_info[1] + 1))')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
home=usr/lib/metabonk-tui
tree=$work/tree

mkdir -p "$tree/usr/bin" "$tree/DEBIAN" "$tree/usr/share/doc/metabonk-tui"
"$python" -m venv "$tree/$home"
pip="$tree/$home/bin/python -m pip --disable-pip-version-check install --quiet --no-compile"
$pip --require-hashes -r "$here/../requirements.txt"
$pip --no-deps "$wheel"
"$tree/$home/bin/python" -m pip --disable-pip-version-check uninstall --quiet --yes pip

# An environment can be moved, but for the first lines of its programs and the scripts that activate it.
rm -rf "$tree/$home"/bin/[Aa]ctivate* "$tree/$home/.gitignore" "$tree/$home/include"
grep -lI "^#!$tree" "$tree/$home"/bin/* | xargs -r sed -i "1s|^#!$tree|#!|"
sed -i "/^command = /d" "$tree/$home/pyvenv.cfg"
find "$tree" -name __pycache__ -type d -prune -exec rm -rf {} +
ln -s "/$home/bin/metabonk-tui" "$tree/usr/bin/metabonk-tui"
cp -r "$tree/$home/share/." "$tree/usr/share/"
rm -rf "$tree/$home/share"
mkdir -p "$tree/usr/share/fish" "$tree/usr/share/zsh/vendor-completions"
mv "$tree/usr/share/zsh/site-functions/_metabonk-tui" "$tree/usr/share/zsh/vendor-completions/"
rmdir "$tree/usr/share/zsh/site-functions"
gzip -9n "$tree/usr/share/man/man1/metabonk-tui.1"
cp "$here/../../LICENSE" "$tree/usr/share/doc/metabonk-tui/copyright"

cat > "$tree/DEBIAN/control" <<CONTROL
Package: metabonk-tui
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: the metabonk-tui authors <noreply@metabonk-tui.invalid>
Depends: python3 (>= $series~), python3 (<< $next~)
Section: utils
Priority: optional
Homepage: https://github.com/vladdiethecoder/metabonk-tui
Description: terminal monitor for MetaBonk training
 Shows what the workers learn, when memory will run out, and what to do next.
CONTROL
# Compiled at the installation: the user who runs it may not write there, and would compile at each start.
cat > "$tree/DEBIAN/postinst" <<POSTINST
#!/bin/sh
set -e
/$home/bin/python -m compileall -q /$home/lib
POSTINST
cat > "$tree/DEBIAN/prerm" <<PRERM
#!/bin/sh
set -e
find /$home -name __pycache__ -type d -prune -exec rm -rf {} +
PRERM
chmod 755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm"
dpkg-deb --root-owner-group --build "$tree" "$out/metabonk-tui_${version}_$(dpkg --print-architecture).deb"

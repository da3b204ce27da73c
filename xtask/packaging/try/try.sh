# For `cargo xtask packaging`, in the container of systemd, where a release was
# unpacked: does what INSTALL.md says, and uses the service. What it finds goes
# into a file whose last line says that all of it held.
exec >/koppel-try/result 2>&1
set -eu

sh -eux /koppel-try/install.sh >/koppel-try/install.log 2>&1 ||
    { cat /koppel-try/install.log; exit 1; }
echo "installed by the commands of INSTALL.md"
systemd-analyze verify --man=no --recursive-errors=no koppel.service
if command -v man >/dev/null; then man --where koppel koppel-serve >/dev/null; fi
bash -c '. /usr/share/bash-completion/completions/koppel
    COMP_WORDS=(koppel ledg) COMP_CWORD=1; _koppel koppel ledg koppel
    test "${COMPREPLY[*]}" = ledger'

ready() { curl --silent --show-error --fail http://127.0.0.1:8080/health/ready; }
await() {
    for _ in $(seq 100); do
        if ready >/dev/null 2>&1; then break; fi
        sleep 0.2
    done
    echo "$1: $(ready)"
}
await ready
systemctl show koppel.service --property=ActiveState,User,DynamicUser,NoNewPrivileges
pid=$(systemctl show koppel.service --property=MainPID --value)
status() { sed -n "s/^$1:\t//p" "/proc/$pid/status"; }
echo "capabilities: $(status CapEff), seccomp: $(status Seccomp), memory: $(status VmRSS)"
test "$(status CapEff)" = 0000000000000000
test "$(status Seccomp)" = 2
# Its data is its own.
test "$(stat -L --format=%a /var/lib/private/koppel)" = 700
test -s /var/lib/private/koppel/ledger.db

# The operator changes the configuration, which is read again, and uses the
# command as root. The run is made by the service: a component is compiled and
# a file written under all restrictions.
cp /koppel-try/platform.toml /etc/koppel/platform.toml
koppel() { /usr/bin/koppel --config /etc/koppel/platform.toml "$@"; }
koppel clients | grep -q 'journal-csv'
koppel import /koppel-try/data.json --provider 920e36f5-b58e-578b-9c22-df4a4d0b7f36 >/dev/null
one=b14acd0d-75d7-4fc8-8b22-4a3924585cab
run() { koppel runs submit journal-csv --user anna --employer $one --wait "$@"; }
run --journal-run $one | grep '^run'
test -s /var/lib/private/koppel/exports/journaal_2025-01_8_b14acd0d.csv

# After a crash systemd starts it again, and what root made is no hindrance.
systemctl kill --signal=SIGKILL koppel.service
sleep 1
await "after a crash"
test "$(systemctl show koppel.service --property=NRestarts --value)" = 1
run --check | grep '^run'
koppel ledger verify

systemctl stop koppel.service
systemctl show koppel.service --property=Result,ExecMainStatus | tee /koppel-try/stopped
grep -qx Result=success /koppel-try/stopped
grep -qx ExecMainStatus=0 /koppel-try/stopped
echo held

# For `cargo xtask packaging`, in the container of systemd. What it finds goes
# into /koppel-try.result, whose last line says that all of it held.
exec >/koppel-try.result 2>&1
set -eu
ready() { curl --silent --show-error --fail http://127.0.0.1:8080/health/ready; }
for _ in $(seq 100); do
    if ready >/dev/null 2>&1; then break; fi
    sleep 0.2
done
echo "ready: $(ready)"
systemctl show koppel.service --property=ActiveState,User,DynamicUser,NoNewPrivileges
# Its data is its own; the configuration it can read and not write.
pid=$(systemctl show koppel.service --property=MainPID --value)
echo "capabilities: $(sed -n 's/^CapEff:\t//p' "/proc/$pid/status")"
echo "seccomp: $(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")"
test "$(sed -n 's/^CapEff:\t//p' "/proc/$pid/status")" = 0000000000000000
test "$(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")" = 2
test "$(stat -L --format=%a /var/lib/private/koppel)" = 700
test -s /var/lib/private/koppel/ledger.db
# A component is compiled and loaded under all restrictions, which make machine
# code the hard part.
systemctl stop koppel.service
systemctl show koppel.service --property=Result,ExecMainStatus | tee /koppel-try.stopped
grep -qx Result=success /koppel-try.stopped
grep -qx ExecMainStatus=0 /koppel-try.stopped
echo held

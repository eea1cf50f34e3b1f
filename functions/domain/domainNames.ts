/** Domain names in free text, told from file names, which look the same. */

/** Finds what is written like a domain name; linear on any text. A new one each time, since it keeps its place. */
export const domainPattern = (): RegExp => /(?<![\w.@/-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?![\w-]|\.\w|\()/gi;

/** What looks like a domain and is a file, a unit or a module. */
const fileEnding =
    /\.(service|timer|socket|target|path|mount|conf|config|cfg|ini|json|ya?ml|xml|sh|bash|py|pyc|pl|rb|js|mjs|ts|php\d?|phtml|jspx?|aspx?|ashx|html?|css|txt|log|so|ko|o|a|c|h|go|rs|exe|dll|bin|elf|out|gz|tgz|tar|zip|bz2|xz|rar|7z|deb|rpm|db|sqlite|sql|bak|old|orig|tmp|swp|pid|lock|pem|key|crt|csr|pub|png|jpe?g|gif|svg|ico|md|rst|csv|jsonl|journal|local|internal|rules|list|d|env|profile|history|load|img|iso|raw|service_name)$/i;

export const looksLikeFile = (text: string): boolean => fileEnding.test(text);

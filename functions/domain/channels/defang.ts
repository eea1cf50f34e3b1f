/** Addresses in text that mail and chat programs would make links of: written so that none can be followed, and everybody reads them. The field's custom. */
import { domainPattern, looksLikeFile } from "../domainNames";

/** `hxxp://198[.]51[.]100[.]23/x`, `c2[.]example[.]net`. A bare address is no link, and people copy it. Names of AWS services stay: they are ours, and endpoints are named by them. */
export const defang = (text: string): string =>
    text
        .replace(/\b(h)tt(ps?:\/\/)/gi, "$1xx$2")
        .replace(/\b(f)t(p:\/\/)/gi, "$1x$2")
        .replace(/(?<=:\/\/)[^\s/:]+/g, (host) => (host.includes("[.]") ? host : host.replaceAll(".", "[.]")))
        .replace(domainPattern(), (name) =>
            looksLikeFile(name) || /^com\.amazonaws\.|\.amazonaws\.com(\.cn)?$/i.test(name) ? name : name.replaceAll(".", "[.]"),
        );

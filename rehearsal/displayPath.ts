/** Paths as the analysis program displays them (analysis/clean_room_analysis/text.py): one printable line, so that two names never look alike. */

/** Control characters, separators that break lines, invisible and bidirectional controls, and lone surrogates. */
const unprintable =
    /[\\\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
const short: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** @param path absolute; bytes that are not UTF-8 as lone surrogates, as Python's surrogateescape has them. */
export function displayPath(path: string): string {
    return path.replace(unprintable, (character) => {
        const code = character.codePointAt(0)!;
        const hexadecimal = (digits: number, value = code) => value.toString(16).padStart(digits, "0");
        if (short[character]) return short[character];
        if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hexadecimal(2, code - 0xdc00)}`;
        if (code < 0x100) return `\\x${hexadecimal(2)}`;
        return code < 0x10000 ? `\\u${hexadecimal(4)}` : `\\U${hexadecimal(8)}`;
    });
}

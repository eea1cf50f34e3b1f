/**
 * Making untrusted text safe to look at: what a disk, a finding or a tag says is shown, never obeyed.
 *
 * A control character, a bidirectional override or an invisible character can make a line read as something it is not
 * ("Trojan Source", CVE-2021-42574), so each becomes a visible mark. Escaping for a medium (HTML, Slack) comes after.
 */

/** Characters without a picture of their own that change how the text around them reads, by inclusive code point range. */
const invisibleRanges: readonly (readonly [first: number, last: number])[] = [
    [0x80, 0x9f], // C1 controls
    [0xad, 0xad], // soft hyphen
    [0x61c, 0x61c], // Arabic letter mark
    [0x115f, 0x1160], // Hangul fillers
    [0x180e, 0x180e], // Mongolian vowel separator
    [0x200b, 0x200f], // zero width space to right-to-left mark
    [0x2028, 0x202e], // line and paragraph separators, bidirectional embeddings and overrides
    [0x2060, 0x206f], // word joiner, invisible operators, bidirectional isolates
    [0x3164, 0x3164], // Hangul filler
    [0xd800, 0xdfff], // lone surrogates
    [0xfe00, 0xfe0f], // variation selectors
    [0xfeff, 0xfeff], // byte order mark
    [0xfff9, 0xfffb], // interlinear annotation
    [0xe0000, 0xe0fff], // tags and more variation selectors
];

/** Combining marks beyond this many on one character would paint over the lines above and below. */
const mostCombiningMarks = 3;
const combiningMark = /\p{M}/u;

function visibleCharacter(character: string): string {
    const code = character.codePointAt(0)!;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code); // ␀ … ␟, with ␊ for a newline
    if (code === 0x7f) return "␡";
    if (code < 0x80) return character;
    if (invisibleRanges.some(([first, last]) => code >= first && code <= last)) {
        return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
    }
    return character;
}

/** Cuts text that nobody acts on, such as a name, to at most `most` UTF-16 units, the last of which says that it was cut; never inside a surrogate pair. */
export function clip(text: string, most: number): string {
    if (text.length <= most) return text;
    const end = /[\uD800-\uDBFF]/.test(text.charAt(most - 2)) ? most - 2 : most - 1;
    return `${text.slice(0, Math.max(0, end))}…`;
}

/** Where text may be parted before `most`, so that no surrogate pair, escape of Slack's (`&amp;`) or visible mark (`⟨U+202E⟩`) is torn. */
function partAt(text: string, most: number): number {
    const torn = /(?:[\uD800-\uDBFF]|&[a-z]{0,3}|⟨[^⟨⟩]{0,16})$/.exec(text.slice(0, most));
    // A mark that ends right here is whole.
    return torn !== null && torn.index > 0 ? torn.index : most;
}

/** The text in pieces of at most `most` UTF-16 units; joined they are the text again. Parted at a space where one is near. */
export function pieces(text: string, most: number): string[] {
    const parts: string[] = [];
    let rest = text;
    while (rest.length > most) {
        const hard = partAt(rest, most);
        const space = rest.lastIndexOf(" ", hard - 1) + 1;
        const end = space > hard - 80 && space > 0 ? space : hard;
        parts.push(rest.slice(0, end));
        rest = rest.slice(end);
    }
    return [...parts, rest];
}

/** The beginning of a text, which says how much more there is. Not longer than `most` UTF-16 units. */
export function shortened(text: string, most: number): string {
    if (text.length <= most) return text;
    if (most < 128) return clip(text, most);
    const end = partAt(text, most - 32);
    return `${text.slice(0, end)}… (${text.length - end} more characters)`;
}

/** Untrusted text in one line: every control, invisible and overriding character as a visible mark. */
export function visible(text: string): string {
    let marks = 0;
    let result = "";
    for (const character of text) {
        marks = combiningMark.test(character) ? marks + 1 : 0;
        if (marks <= mostCombiningMarks) result += visibleCharacter(character);
        else if (marks === mostCombiningMarks + 1) result += "⟨combining marks⟩";
    }
    return result;
}

/** Untrusted text of several lines: like {@link visible}, but newlines and tabs stay what they are. */
export function visibleLines(text: string): string {
    return text
        .split(/\r?\n/)
        .map((line) => line.split("\t").map(visible).join("\t"))
        .join("\n");
}

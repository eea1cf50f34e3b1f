/** How every channel makes long text fit: what people must not miss goes on in the next piece, details are cut and say by how much. Pure. */
import type { MessageSection } from "../messages/message";
import { pieces, shortened } from "../visibleText";

/** What a channel shows of one section of details. */
export interface DetailLimits {
    /** Items. */
    items: number;
    /** UTF-16 units of one item as it is written. */
    item: number;
    /** And of all of them. */
    all: number;
}

/**
 * The lines of a section: all of each item, or of details the beginning, and then how many are left out and where they all stand.
 *
 * @param write an item as the channel writes it, whole
 * @param whole where everything stands
 */
export function sectionLines(
    { items, detail }: MessageSection,
    limits: DetailLimits,
    write: (item: string) => string,
    whole: string,
): string[] {
    if (!detail) return items.map(write);
    const lines: string[] = [];
    let length = 0;
    for (const item of items.slice(0, limits.items)) {
        const line = shortened(write(item), limits.item);
        length += line.length;
        if (length > limits.all) break;
        lines.push(line);
    }
    return lines.length < items.length ? [...lines, `… and ${items.length - lines.length} more, ${write(whole)}`] : lines;
}

/** Sections in the order that people read them: what failed and what is left to do, then the details. */
export const inOrder = (sections: readonly MessageSection[]): MessageSection[] => {
    const filled = sections.filter(({ items }) => items.length > 0);
    return [...filled.filter(({ detail }) => !detail), ...filled.filter(({ detail }) => detail)];
};

/**
 * Lines in as few texts as hold them, in their order; a line that is longer than a text goes on in the next one.
 *
 * @param size of a text, in what `most` counts; UTF-16 units when left out
 */
export function packed(lines: readonly string[], most: number, size: (text: string) => number = (text) => text.length): string[] {
    const texts: string[] = [];
    let taken = Infinity;
    for (const line of lines) {
        const needed = size(line);
        if (taken + 1 + needed <= most) texts[texts.length - 1] += `\n${line}`;
        else if (needed <= most) texts.push(line);
        // A UTF-16 unit takes three bytes at most.
        else texts.push(...pieces(line, needed === line.length ? most : Math.floor(most / 3)));
        taken = taken + 1 + needed <= most ? taken + 1 + needed : size(texts.at(-1)!);
    }
    return texts;
}

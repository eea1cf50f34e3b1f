/** Items as text in a sentence. */
export const list = (items: readonly string[]): string => (items.length > 0 ? items.join(", ") : "none");

/** A step's name as people read it: `disableMetadata` is "disable metadata". Records keep the name itself. */
export const stepWords = (name: string): string =>
    name
        .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
        .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
        .split(" ")
        // An abbreviation stays one.
        .map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))
        .join(" ");

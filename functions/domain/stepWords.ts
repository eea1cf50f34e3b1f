const abbreviations: Readonly<Record<string, string>> = { Ssm: "SSM" };

/** A step's name as people read it: `disableMetadata` is "disable metadata". Records keep the name itself. */
export const stepWords = (name: string): string =>
    name
        .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
        .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
        .split(" ")
        // An abbreviation stays one, however the name writes it.
        .map((word) => (/^[A-Z]{2,}$/.test(word) ? word : (abbreviations[word] ?? word.toLowerCase())))
        .join(" ");

/** The words as a title or a sentence begins with them: `IsolateInstance` is "Isolate instance". */
export const stepTitle = (name: string): string => stepWords(name).replace(/^./, (first) => first.toUpperCase());

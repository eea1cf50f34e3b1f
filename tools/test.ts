import { command, UsageError } from "./command";
import { parts, type Part, type Result } from "./test/parts";

/** Runs all parts but those that run only when named, or one with arguments of its own. The last line sums the tests: "N passed, M failed". */
async function runParts(argv: readonly string[]): Promise<number> {
    const [wanted, ...args] = argv;
    if (wanted !== undefined && !parts.some((part) => part.name === wanted)) {
        throw new UsageError(`There is no part "${wanted}". There are: ${parts.map((part) => part.name).join(", ")}.`);
    }
    const results = wanted !== undefined ? [await named(wanted).run(args, true)] : await runAll();
    const tested = results.flatMap((result) => result.counts ?? []);
    const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((key) =>
        tested.reduce((sum, counts) => sum + counts[key], 0),
    );
    const broken = results.filter((result) => !result.ok);
    // A part that fails otherwise than by a test (a type error, a tool that did not start) counts as one failure.
    const others = broken.filter((result) => (result.counts?.failed ?? 0) === 0).length;
    console.log();
    if (skipped > 0) {
        console.log(`${skipped} tests were skipped, which counts as a failure: a skipped test shows nothing.`);
    }
    if (broken.length > 0) {
        console.log(`Failed: ${broken.map((result) => result.part).join(", ")}`);
    }
    console.log(`${passed} passed, ${failed + others} failed`);
    return broken.length > 0 ? 1 : 0;
}

/** Parts that wait more than they reckon; they take as long as the others together and run beside them. */
const beside = ["rehearsals", "pytest"];

/** Two rows of parts side by side, each one after another. */
async function runAll(): Promise<Result[]> {
    const row = async (names: readonly string[]): Promise<Result[]> => {
        const results: Result[] = [];
        for (const name of names) results.push(await named(name).run([], name === "rehearsals"));
        return results;
    };
    const others = parts.filter((part) => part.onlyNamed !== true && !beside.includes(part.name)).map((part) => part.name);
    return (await Promise.all([row(beside), row(others)])).flat();
}

function named(name: string): Part {
    return parts.find((part) => part.name === name) as Part;
}

export const test = command(
    {
        name: "test",
        summary: `Runs all tests and checks, or one part with arguments of its own tool. Parts: ${parts.map(({ name, onlyNamed }) => (onlyNamed ? `${name} (only when named)` : name)).join(", ")}.`,
        arguments: "[PART [ARGS…]]",
        options: {},
        passesOn: true,
        examples: ["npm test", "npm test -- mocha -g containment", "npm test -- long"],
        exitCodes: { 0: "all passed", 1: "something failed", 2: "wrong usage, or a tool did not start" },
        run: (_, args) => runParts(args),
    },
    module,
);

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { runCommand, type CommandSpec, type OptionSpec } from "../../tools/command";

const root = path.resolve(__dirname, "../..");
const scripts = (JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts;
/** Other programs, which say themselves how they are used. */
const others = ["typecheck", "lint"];
const names = Object.keys(scripts).filter((name) => !others.includes(name));
/** Their file chooses by how it is started, or runs at once; started as npm starts them, without any credentials. */
const started = ["rehearse", "deny", "retire", "parse"];

interface Said {
    code: number | null;
    out: string;
}

function start(name: string): Said {
    const [, ...args] = scripts[name]!.split(" ");
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, AWS_EC2_METADATA_DISABLED: "true" };
    const { status, stdout, stderr } = spawnSync(process.execPath, [...args, "--help"], { cwd: root, encoding: "utf8", env });
    return { code: status, out: `${stderr}${stdout}` };
}

/** What a command says that its script's file exports under the script's name. */
async function run(name: string): Promise<Said> {
    const file = scripts[name]!.split(" ").find((each) => each.endsWith(".ts"))!;
    const specs = Object.values(require(path.join(root, file)) as Record<string, CommandSpec<Record<string, OptionSpec>> | undefined>);
    const spec = specs.find((each) => typeof each === "object" && each.name === name);
    if (!spec) throw new Error(`${file} exports no command "${name}".`);
    const log = console.log;
    let out = "";
    console.log = (text: string) => (out += `${text}\n`);
    try {
        return { code: await runCommand(spec, ["--help"]), out };
    } finally {
        console.log = log;
    }
}

describe("every command of package.json", function () {
    // The first loads what the others have.
    this.timeout(60_000);

    it("is looked at, but for other programs", () => {
        expect(names).to.include.members(["approve", "deny", "release", "retire", "parse", "rehearse", "policy:check", "test"]);
        expect(others.every((name) => !scripts[name]!.startsWith("node "))).to.equal(true);
    });

    for (const name of names)
        it(`${name} says with --help how it is used, with examples and what each exit code means, and ends with 0`, async () => {
            const { code, out } = started.includes(name) ? start(name) : await run(name);
            expect(code).to.equal(0);
            expect(out).to.match(new RegExp(`^Usage: npm run ${name} -- `));
            const part = (title: string) => out.split(`\n${title}\n`)[1]?.split("\n\n")[0] ?? "";
            expect(part("Examples:")).to.match(name === "test" ? /npm test/ : new RegExp(`npm run (--silent )?${name}\\b`));
            expect(part("Exit codes:"))
                .to.match(/^ {2}0 {2}\S/)
                .and.match(/^ {2}2 {2}\S/m);
        });
});

/** What a platform engineer types from README.md, docs/deploy.md and bootstrap/README.md: every command, flag, parameter and setting is one that there is. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { parseSettings } from "../../infra/config";
import { coverageMode, forwardsFindings } from "../../infra/estate";
import { helpOf, type CommandSpec, type OptionSpec } from "../../tools/command";

const root = path.resolve(__dirname, "../..");
const read = (name: string) => readFileSync(path.join(root, name), "utf8");
const pages = ["README.md", "docs/deploy.md", "docs/estate.md", "bootstrap/README.md"];
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
// Pulumi's own parser of these files.
const yaml = require("js-yaml") as { load(text: string): unknown };

/** What a command takes; null for a program that is none of ours, or says so itself. */
function optionsOf(name: string): Record<string, OptionSpec> | null {
    const file = scripts[name]?.split(" ").find((each) => each.startsWith("tools/"));
    if (!file) return null;
    const specs = Object.values(require(path.join(root, file)) as Record<string, CommandSpec<Record<string, OptionSpec>> | undefined>);
    return specs.find((each) => typeof each === "object" && each.name === name)?.options ?? null;
}

describe("what is typed to deploy", function () {
    // The first loads what the commands have.
    this.timeout(60_000);

    for (const page of pages)
        it(`${page} names commands, flags, files and parameters that there are`, () => {
            const wrong: string[] = [];
            for (const [, name, rest] of read(page).matchAll(/npm run (?:--silent )?([\w:]+)((?: (?:--|<[^>]*>|[\w./…"'-]+))*)/g)) {
                if (name === "COMMAND") continue; // stands for any
                if (!(name! in scripts)) wrong.push(`npm run ${name}`);
                const options = optionsOf(name!);
                for (const [, flag] of rest!.matchAll(/ --(\w[\w-]*)/g))
                    if (options !== null && !(flag! in options)) wrong.push(`npm run ${name} --${flag}`);
            }
            for (const [file] of read(page).matchAll(/bootstrap\/[\w-]+\.json/g)) if (!existsSync(path.join(root, file))) wrong.push(file);
            for (const [, file, parameters] of read(page).matchAll(/--template-file (\S+)[^\n]*\\\n\s+--parameter-overrides ([^\n]+)/g)) {
                const known = (JSON.parse(read(file!)) as { Parameters: object }).Parameters;
                for (const [, parameter] of parameters!.matchAll(/(?:^| )(\w+)=/g))
                    if (!(parameter! in known)) wrong.push(`${file} ${parameter}`);
            }
            expect(wrong).to.deep.equal([]);
        });

    it("bootstrap/README.md says what each template is for, and docs/deploy.md in which order they are deployed", () => {
        for (const file of readdirSync(path.join(root, "bootstrap")).filter((each) => each.endsWith(".json"))) {
            expect(read("bootstrap/README.md")).to.include(`| \`${file}\` |`);
            expect(read("docs/deploy.md")).to.include(`bootstrap/${file}`);
        }
    });

    it("the settings of docs/deploy.md are ones that the program takes, and mean what the page says", () => {
        const blocks = [...read("docs/deploy.md").matchAll(/^ *```yaml\n([\s\S]*?)^ *```/gm)].map(([, text]) => yaml.load(text!));
        expect(blocks).to.have.length(1);
        const [block] = blocks as [{ config: Record<string, unknown> }];
        const settings = parseSettings(block.config["ec2-clean-room-forensics:settings"]);
        expect(coverageMode(settings)).to.equal("existing");
        expect(forwardsFindings(settings), "each account's own rule").to.equal(true);
        expect(settings.organization!.management, "nothing is designated").to.equal(undefined);
    });

    it("a usage line names every option of its command", () => {
        const left = Object.keys(scripts).flatMap((name) => {
            const file = scripts[name]!.split(" ").find((each) => each.startsWith("tools/"));
            if (!file) return [];
            const specs = Object.values(
                require(path.join(root, file)) as Record<string, CommandSpec<Record<string, OptionSpec>> | undefined>,
            );
            const spec = specs.find((each) => typeof each === "object" && each.name === name);
            if (!spec) return [];
            const usage = helpOf(spec).split("\n\n")[0]!;
            return Object.entries(spec.options)
                .map(([option, { type, ...rest }]) =>
                    type === "boolean" && "default" in rest && rest.default === true ? `no-${option}` : option,
                )
                .filter((option) => !`${usage} ${scripts[name]}`.includes(`--${option}`))
                .map((option) => `${name} --${option}`);
        });
        expect(left).to.deep.equal([]);
    });
});

/**
 * A real headless Chromium: the system's when PATH has one, else the one that the npm package @sparticuz/chromium ships
 * (set CHROMIUM_FROM_NPM=1 to use that one although the system has its own).
 */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/** Tests run as root too, where Chromium's sandbox refuses to start; containers give /dev/shm too little. */
const ownArguments = ["--no-sandbox", "--disable-dev-shm-usage"];

function systemChromium(): string | null {
    const candidates = (process.env.PATH ?? "")
        .split(delimiter)
        .filter(Boolean)
        .flatMap((folder) => names.map((name) => join(folder, name)));
    return (
        candidates.find((file) => {
            try {
                accessSync(file, constants.X_OK);
                return true;
            } catch {
                return false; // not there or not executable: try the next
            }
        }) ?? null
    );
}

/** Runs with some environment variables set and puts all of them back. */
async function withEnvironment<T>(variables: Record<string, string>, run: () => Promise<T>): Promise<T> {
    const before = { ...process.env };
    Object.assign(process.env, variables);
    try {
        return await run();
    } finally {
        for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
        Object.assign(process.env, before);
    }
}

/**
 * The package's browser, unpacked for this process alone: its usual place, /tmp/chromium, is shared and may be half
 * written. It is told that it runs in Lambda, since only then does it unpack the libraries (NSS) that a bare machine lacks.
 */
async function launchShipped(): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), "chromium-"));
    const remove = () => rmSync(folder, { recursive: true, force: true });
    process.once("exit", remove);
    return withEnvironment({ TMPDIR: folder, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" }, async () => {
        const { default: shipped, setupLambdaEnvironment } = await import("@sparticuz/chromium");
        setupLambdaEnvironment(join(folder, "al2023", "lib"));
        // Made for Lambda, it would run as one process, which ends with the first page that is closed.
        const args = shipped.args.filter((argument) => argument !== "--single-process" && argument !== "--no-zygote");
        const browser = await chromium.launch({
            executablePath: await shipped.executablePath(),
            args: [...args, ...ownArguments],
            env: { ...process.env } as Record<string, string>,
        });
        browser.once("disconnected", remove);
        return browser;
    });
}

/** Starts the browser. The package's own takes some seconds to unpack. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
    const system = process.env.CHROMIUM_FROM_NPM === "1" ? null : systemChromium();
    return system ? chromium.launch({ executablePath: system, args: ownArguments }) : launchShipped();
}

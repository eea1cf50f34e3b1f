/**
 * A real headless Chromium: the system's when PATH has one, else the one that the npm package @sparticuz/chromium ships
 * (set CHROMIUM_FROM_NPM=1 to use that one although the system has its own).
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

function systemChromium(): string | null {
    const candidates = (process.env.PATH ?? "").split(delimiter).filter(Boolean).flatMap((folder) => names.map((name) => join(folder, name)));
    return candidates.find((file) => {
        try {
            accessSync(file, constants.X_OK);
            return true;
        } catch {
            return false; // not there or not executable: try the next
        }
    }) ?? null;
}

/** Starts the browser. The first start from the npm package unpacks it (some seconds). The caller closes it. */
export async function launchChromium(): Promise<Browser> {
    const system = process.env.CHROMIUM_FROM_NPM === "1" ? null : systemChromium();
    if (system) return chromium.launch({ executablePath: system, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    const { default: shipped } = await import("@sparticuz/chromium");
    // Made for Lambda, it would run in one process, which ends with the first page that is closed.
    const args = shipped.args.filter((argument) => argument !== "--single-process" && argument !== "--no-zygote");
    return chromium.launch({ executablePath: await shipped.executablePath(), args: [...args, "--no-sandbox", "--disable-dev-shm-usage"] });
}

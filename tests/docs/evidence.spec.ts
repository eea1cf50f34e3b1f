import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";

/** Seconds of a cell such as `3 h 26 min`. */
const seconds = (cell: string) => Number(/(\d+) h/.exec(cell)?.[1] ?? 0) * 3600 + Number(/(\d+) min/.exec(cell)?.[1] ?? 0) * 60;

describe("docs/evidence.md", () => {
    it("has times that follow from sizes and bandwidths, rounded to minutes", () => {
        const text = readFileSync(path.resolve(__dirname, "../../docs/evidence.md"), "utf8");
        const rows = [...text.matchAll(/^\| (100 GB|1 TB|16 TB) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
        expect(rows).to.have.length(3);
        const bytes = { "100 GB": 1e11, "1 TB": 1e12, "16 TB": 16e12 };
        // The smaller of instance and volume.
        const bandwidths = [81e6, Math.min(312.5e6, 312 * 2 ** 20), Math.min(1250e6, 1000 * 2 ** 20)];
        for (const [, size, ...cells] of rows)
            cells.forEach((cell, index) => {
                const exact = bytes[size as keyof typeof bytes] / bandwidths[index]!;
                expect(Math.abs(seconds(cell) - exact), `${size}: ${cell}, ${Math.round(exact / 60)} min`).to.be.lessThan(
                    Math.max(60, exact / 100),
                );
            });
    });
});

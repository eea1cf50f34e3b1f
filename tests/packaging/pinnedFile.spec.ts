import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { fetchPinned } from "../../packaging/pinnedFile";

describe("a file that is known by its SHA-256", () => {
    it("is taken from the first place that has it, and of each other is said what it answered, with the cause", async () => {
        const server = createServer((request, response) => response.writeHead(request.url === "/gone" ? 404 : 200).end("content"));
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
        try {
            const taken = await fetchPinned({ name: "a", sha256, urls: [`${here}/gone`, `${here}/there`] });
            expect(taken.toString()).to.equal("content");
            const said = await fetchPinned({ name: "a", sha256: "0".repeat(64), urls: [`${here}/gone`, `${here}/there`] }).then(
                () => "",
                (error: Error) => error.message,
            );
            expect(said).to.include(`${here}/gone: HTTP 404`).and.include(`${here}/there: SHA-256 ${sha256} instead of`);
        } finally {
            server.close();
        }
        // Nobody listens on port 1 of the loopback.
        const said = await fetchPinned({ name: "a", sha256, urls: ["http://127.0.0.1:1/there"] }).then(
            () => "",
            (error: Error) => error.message,
        );
        // "fetch failed" alone helps nobody.
        expect(said).to.match(/\(\S.*\)\. .*NODE_EXTRA_CA_CERTS/);
    });
});

/** The data volume, mounted at /srv: web root, uploads, database dumps. Paths are the volume's own. */
import { directory, type Entry, file } from "./entry";
import { filler } from "./inert";
import { story } from "./story";

const release = { modified: story.lastRelease, uid: 1001, gid: 48 };
const day = 24 * 60 * 60_000;

const pages = ["index", "orders", "order", "login", "logout", "account", "search", "invoice", "health", "contact"];
const classes = ["Database", "Order", "Customer", "Session", "Invoice", "Mailer", "Router", "Template", "Upload", "Configuration"];

const application: readonly Entry[] = [
    ...pages.map((name) =>
        file(
            `/www/html/${name}.php`,
            [
                "<?php",
                "require __DIR__ . '/../lib/Router.php';",
                `echo Router::render('${name}', htmlspecialchars($_SERVER['REQUEST_URI']));`,
            ],
            release,
        ),
    ),
    ...classes.map((name) =>
        file(
            `/www/lib/${name}.php`,
            [
                "<?php",
                "declare(strict_types=1);",
                "",
                `final class ${name}`,
                "{",
                "    public function __construct(private array $settings = []) {}",
                "}",
            ],
            release,
        ),
    ),
    ...pages.map((name) =>
        file(`/www/templates/${name}.html`, ["<!doctype html>", `<title>Orders: ${name}</title>`, "<main>{{ content }}</main>"], release),
    ),
    ...Array.from({ length: 60 }, (_, index) =>
        file(
            `/www/html/assets/chunk-${String(index).padStart(3, "0")}.js`,
            [`export const chunk = ${index};`, `// ${filler(`chunk:${index}`, 48).toString("hex")}`],
            release,
        ),
    ),
    file("/www/html/assets/site.css", ["body { font-family: sans-serif; margin: 2rem auto; max-width: 60rem; }"], release),
    file("/www/html/.htaccess", ["Options -Indexes"], release),
];

/** Customers' pictures: JPEG headers and filler. */
const uploads: readonly Entry[] = Array.from({ length: 120 }, (_, index) =>
    file(
        `/www/html/uploads/avatar-${8700 + index}.jpg`,
        Buffer.concat([
            Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex"),
            filler(`avatar:${index}`, 900),
            Buffer.from("ffd9", "hex"),
        ]),
        { modified: new Date(Date.parse(story.deployed) + index * 7 * 60 * 60_000).toISOString(), uid: 48, gid: 48 },
    ),
);

const dumps: readonly Entry[] = Array.from({ length: 14 }, (_, index) => {
    const at = new Date(Date.parse("2026-11-06T02:30:04Z") + index * day).toISOString();
    return file(
        `/backup/orders-${at.slice(0, 10)}.sql`,
        [
            "-- MariaDB dump 10.19",
            "CREATE TABLE `orders` (`id` int(11) NOT NULL, `total` decimal(10,2) NOT NULL);",
            ...Array.from(
                { length: 200 },
                (_unused, row) => `INSERT INTO \`orders\` VALUES (${1000 + row},${((row * 7919) % 10000) / 100});`,
            ),
        ],
        { modified: at, uid: 27, gid: 27, mode: 0o640 },
    );
});

/** Everything on the data volume before the intrusion. */
export const dataTree: readonly Entry[] = [
    directory("/www", { modified: story.deployed, uid: 1001, gid: 48 }),
    directory("/www/html/uploads", { modified: story.lastRelease, uid: 48, gid: 48, mode: 0o775 }),
    directory("/backup", { modified: story.deployed, uid: 27, gid: 27, mode: 0o750 }),
    ...application,
    ...uploads,
    ...dumps,
];

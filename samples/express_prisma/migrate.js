// Does to the database what `npx prisma migrate deploy` does, and puts two products into the shop.
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import pg from "pg";

const db = new pg.Client(process.env.DATABASE_URL);
await db.connect();
await db.query(`CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`);
for (const name of (await readdir("prisma/migrations")).filter((each) => !each.includes(".")).sort()) {
  const { rowCount } = await db.query("SELECT 1 FROM _prisma_migrations WHERE migration_name = $1", [name]);
  if (rowCount > 0) continue;
  const script = await readFile(`prisma/migrations/${name}/migration.sql`, "utf8");
  await db.query(script);
  const checksum = createHash("sha256").update(script).digest("hex");
  await db.query(
    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)",
    [randomUUID(), checksum, name],
  );
  console.log(`applied ${name}`);
}
await db.query(`INSERT INTO "Product" VALUES ('tea', 'Masala chai', 4000, 100000), ('rice', 'Kacchi biryani', 32000, 100000)
  ON CONFLICT DO NOTHING`);
await db.end();

// Makes the tables of a shop that has none: WordPress has made them in yours.
import { readFile } from "node:fs/promises";
import mysql from "mysql2/promise";

const db = await mysql.createConnection({ uri: process.env.MYSQL_URL, multipleStatements: true });
await db.query(await readFile("tables.sql", "utf8"));
await db.end();

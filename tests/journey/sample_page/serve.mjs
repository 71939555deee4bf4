// Serves the bundled page, and the sample's route handler at its path as Next.js calls it: with the Web's Request.
//   node serve.mjs <folder>; prints its address
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { GET } from "../../../samples/nextjs_chat/app/api/chat/user/booking/route.js";

const folder = process.argv[2];
const TYPES = { ".html": "text/html", ".js": "text/javascript" };

async function answerTo(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/api/chat/user/booking") return GET(request);
  const file = join(folder, normalize(pathname === "/" ? "/index.html" : pathname));
  return readFile(file).then(
    (content) => new Response(content, { headers: { "content-type": TYPES[extname(file)] ?? "text/plain" } }),
    () => new Response("not found", { status: 404 }),
  );
}

const server = createServer(async ({ url, headers }, response) => {
  const answer = await answerTo(new Request(`http://${headers.host}${url}`, { headers }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
});
server.listen(0, "127.0.0.1", () => console.log(`http://localhost:${server.address().port}`));

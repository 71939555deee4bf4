import type { Status } from "@ordercast/client";

/** The members of an RFC 9457 answer that the pages read. */
interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  field?: string | null;
  /** Of a token: what is wrong with it. */
  code?: string;
  /** On 409: the order as it stands now. */
  current?: unknown;
  version?: number;
  allowed?: Status[];
  /** The total that was sent and the server's own, in minor units. */
  given?: number;
  computed?: number;
  /** Pieces in stock. */
  left?: number;
  /** Free times about the one that is not. */
  nearest?: { startsAt: string; endsAt: string; carerIds: string[] }[];
}

/** An answer that was not the wanted one, or none at all (`status` 0). */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    readonly body: ProblemBody,
  ) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
  }

  get title(): string {
    return this.body.title ?? `HTTP ${this.status}`;
  }

  /** The field at fault as a form names it, such as `customerInfo.email`. */
  get field(): string | undefined {
    return this.body.field?.replace(/^\$\.?/, "").replace(/\[(\d+)\]/g, ".$1") ?? undefined;
  }

  /** Whether it is of that kind, such as `total-differs`. */
  is(slug: string): boolean {
    return this.body.type === `/problems/${slug}`;
  }

  /** The server could not be reached, so what became of the request is unknown. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => undefined);
  return new Problem(response.status, typeof body === "object" && body !== null ? body : {});
}

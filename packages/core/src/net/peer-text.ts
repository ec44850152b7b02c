import { cleanText, isJsonObject, type JsonObject, parseJsonObject, stringField } from '@credence/protocol';

/** At most this much of a body is read for its text, in UTF-16 code units. */
const MAX_READ = 65_536;

/**
 * What a peer says in a body, for operators: the `error_description` of an OAuth error (RFC 6749 section 5.2), the `title` and
 * `detail` of problem+json (RFC 9457), the message of a JSON-RPC error, another member that usually contains a message, the title of
 * an HTML page, or the start of the text. The text is cleaned of control characters and `secrets`, and cut to 300 characters.
 */
export function peerText(body: string, secrets: Iterable<string> = []): string | undefined {
  const read = body.slice(0, MAX_READ).trimStart();
  const json = jsonIn(read);
  const text = (json && textIn(json)) ?? (read.startsWith('<') ? titleOf(read) : read);
  return (text !== undefined && cleanText(text, { secrets })) || undefined;
}

/** The OAuth error code in a body (RFC 6749 section 5.2). */
export function peerError(body: string): string | undefined {
  return stringField(jsonIn(body.slice(0, MAX_READ)), 'error');
}

/** The JSON object in a body. It can also be the data of the first event of an event stream. */
function jsonIn(body: string): JsonObject | undefined {
  return parseJsonObject(/^data: ?(\{.*)$/mu.exec(body)?.[1] ?? body);
}

function textIn(json: JsonObject): string | undefined {
  const { error, errors } = json;
  const nested = [error, ...(Array.isArray(errors) ? (errors as unknown[]) : [])].find(isJsonObject);
  return (
    stringField(json, 'error_description') ??
    joined(stringField(json, 'title'), stringField(json, 'detail')) ??
    joined(stringField(nested, 'message'), stringField(nested, 'detail')) ??
    joined(stringField(json, 'error'), stringField(json, 'message'))
  );
}

function joined(...parts: (string | undefined)[]): string | undefined {
  const texts = new Set(parts.filter((part) => part !== undefined && part.trim() !== ''));
  return texts.size === 0 ? undefined : [...texts].join(': ');
}

function titleOf(html: string): string | undefined {
  return /<title[^>]{0,200}>([^<]{1,400})/iu.exec(html)?.[1];
}

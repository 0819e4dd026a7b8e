// The spec in the address, as archspec/live/addresses.py writes it: #spec= and the text as raw deflate in base64url without padding.

const PREFIX = "#spec=";
const MOST = 1 << 20; // bytes of a text, as many as a spec may have
const DAMAGED = "the spec in the address is damaged: a part of the address is missing, or was changed";

export async function fragmentOf(text) {
  const packed = await collected(new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw")), Infinity);
  let letters = "";
  for (let at = 0; at < packed.length; at += 8192) letters += String.fromCharCode(...packed.subarray(at, at + 8192));
  return PREFIX + btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// The text of a fragment; null where it holds none. Throws an Error with words for the reader.
export async function textOf(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  let bytes;
  try {
    const letters = atob(fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    bytes = await collected(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")), MOST);
    if (bytes !== null) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error(DAMAGED);
  }
  throw new Error(`the spec in the address is larger than ${MOST.toLocaleString("en")} bytes, the most that a spec may have`);
}

// The bytes of a stream; null where they are more than `most`, which is known before they are all read.
async function collected(stream, most) {
  const reader = stream.getReader();
  const pieces = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      reader.cancel();
      return null;
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A certificate and its key. */
export interface Certificate {
  /** Certificate in PEM. */
  readonly cert: string;
  /** Private key in PEM (PKCS #8). */
  readonly key: string;
  /** The keys as WebCrypto has them. */
  readonly keys: CryptoKeyPair;
  /** Name of its subject. */
  readonly name: string;
}

/** What a certificate is for. */
export interface CertificateOptions {
  /** Common name of its subject. */
  readonly name: string;
  /** Who signs it; itself when left out. */
  readonly issuer?: Certificate;
  /** IPv4 addresses that it stands for. */
  readonly addresses?: readonly string[];
  /** Host names that it stands for. */
  readonly hosts?: readonly string[];
}

const algorithm = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
};

/** Makes a certificate (RFC 5280) with an RSA key that is valid for years; one without issuer may sign others. */
export async function makeCertificate(options: CertificateOptions): Promise<Certificate> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const issuer = options.issuer ?? { keys, name: options.name };
  const rsaWithSha256 = sequence(objectId([42, 134, 72, 134, 247, 13, 1, 1, 11]), tagged(0x05));
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const serial = crypto.getRandomValues(new Uint8Array(8));
  serial[0] = (serial[0] ?? 0) & 0x3f | 0x40;
  const body = sequence(
    tagged(0xa0, tagged(0x02, new Uint8Array([2]))),
    tagged(0x02, serial),
    rsaWithSha256,
    commonName(issuer.name),
    sequence(time("20200101000000Z"), time("21200101000000Z")),
    commonName(options.name),
    publicKey,
    tagged(0xa3, sequence(...extensions(options))),
  );
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, issuer.keys.privateKey, body));
  const certificate = sequence(body, rsaWithSha256, tagged(0x03, new Uint8Array([0]), signature));
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { cert: pem("CERTIFICATE", certificate), key: pem("PRIVATE KEY", key), keys, name: options.name };
}

/** Text in the form of RFC 7468. */
export function pem(label: string, bytes: Uint8Array<ArrayBuffer>): string {
  const lines = bytes.toBase64().replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

function extensions({ issuer, addresses = [], hosts = [] }: CertificateOptions): Uint8Array<ArrayBuffer>[] {
  const isAuthority = issuer === undefined;
  const basics = isAuthority ? sequence(tagged(0x01, new Uint8Array([0xff]))) : sequence();
  const found = [extension([85, 29, 19], basics)];
  if (isAuthority) return found;
  const names = [
    ...hosts.map((host) => tagged(0x82, new TextEncoder().encode(host))),
    ...addresses.map((address) => tagged(0x87, new Uint8Array(address.split(".").map(Number)))),
  ];
  const serverAndClient = [1, 2].map((use) => objectId([43, 6, 1, 5, 5, 7, 3, use]));
  found.push(extension([85, 29, 37], sequence(...serverAndClient)));
  if (names.length > 0) found.push(extension([85, 29, 17], sequence(...names)));
  return found;
}

function extension(id: readonly number[], value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return sequence(objectId(id), tagged(0x04, value));
}

function commonName(name: string): Uint8Array<ArrayBuffer> {
  const attribute = sequence(objectId([85, 4, 3]), tagged(0x0c, new TextEncoder().encode(name)));
  return sequence(tagged(0x31, attribute));
}

function time(text: string): Uint8Array<ArrayBuffer> {
  return tagged(0x18, new TextEncoder().encode(text));
}

/** An object identifier; its first two numbers are one byte already. */
function objectId(bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  return tagged(0x06, new Uint8Array(bytes));
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return tagged(0x30, ...parts);
}

/** A value in DER (X.690): its tag, its length, its content. */
function tagged(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  const bytes = new Uint8Array(1 + length.length + size);
  bytes.set([tag, ...length]);
  let offset = 1 + length.length;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

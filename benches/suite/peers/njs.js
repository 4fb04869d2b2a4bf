// HS256, expiry, and the fingerprint of the article, with njs's own crypto. Filled in by the benchmark: @SECRET@, @SALT@.
import crypto from 'crypto';

const secret = '@SECRET@';
const salt = '@SALT@';
const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');

function sameHand(r) {
    const given = r.headersIn.Authorization || '';
    if (!given.startsWith('Bearer ')) return '401';
    const parts = given.slice(7).split('.');
    if (parts.length !== 3 || parts[0] !== header) return '401';
    const signature = crypto.createHmac('sha256', secret).update(parts[0] + '.' + parts[1]).digest('base64url');
    if (signature !== parts[2]) return '401';
    const claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    if (typeof claims.exp !== 'number' || claims.exp <= Date.now() / 1000) return '401';
    const userAgent = r.headersIn['User-Agent'];
    const client = salt + r.remoteAddress + (userAgent === undefined ? 'undefined' : userAgent);
    return claims.fingerprint === crypto.createHash('sha256').update(client).digest('hex') ? '200' : '403';
}

export default { sameHand };

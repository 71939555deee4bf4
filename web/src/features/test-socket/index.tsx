export default function TestSocket() {
  return <h1>TestSocket</h1>;
}

import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { Boundary } from "./ui/boundary";

const Home = lazy(() => import("./features/home"));
const Shop = lazy(() => import("./features/shop"));
const Admin = lazy(() => import("./features/admin"));
const Track = lazy(() => import("./features/track"));
const TestSocket = lazy(() => import("./features/test-socket"));

export function App() {
  return (
    <Boundary>
      <Suspense>
        <Switch>
          <Route path="/shop" component={Shop} />
          <Route path="/admin" component={Admin} />
          <Route path="/track/:id" component={Track} />
          <Route path="/test-socket" component={TestSocket} />
          <Route component={Home} />
        </Switch>
      </Suspense>
    </Boundary>
  );
}

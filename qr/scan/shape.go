package scan

// shape is the outline of a blob: the first and the last pixel of each of its rows.
type shape struct {
	top         int
	left, right []int // right is one beyond the last
}

// add takes a pixel; rows come from the top, pixels of a row from the left.
func (s *shape) add(x, y int) {
	if len(s.left) == 0 {
		s.top = y
	}
	for len(s.left) <= y-s.top {
		s.left = append(s.left, x)
		s.right = append(s.right, x+1)
	}
	s.left[y-s.top] = min(s.left[y-s.top], x)
	s.right[y-s.top] = max(s.right[y-s.top], x+1)
}

func (s *shape) h() int { return len(s.left) }

func (s *shape) w() int {
	if len(s.left) == 0 {
		return 0
	}
	left, right := s.left[0], s.right[0]
	for i := range s.left {
		left, right = min(left, s.left[i]), max(right, s.right[i])
	}
	return right - left
}

// hull is the convex outline, clockwise on the screen.
func (s *shape) hull() []Point {
	var rightSide, leftSide []Point
	for i := range s.left {
		for _, y := range [2]float64{float64(s.top + i), float64(s.top + i + 1)} {
			rightSide = pushConvex(rightSide, Point{float64(s.right[i]), y})
		}
	}
	for i := len(s.left) - 1; i >= 0; i-- {
		for _, y := range [2]float64{float64(s.top + i + 1), float64(s.top + i)} {
			leftSide = pushConvex(leftSide, Point{float64(s.left[i]), y})
		}
	}
	return append(rightSide, leftSide...)
}

// pushConvex drops the points that a new one makes dents of.
func pushConvex(side []Point, p Point) []Point {
	for len(side) >= 2 && cross(side[len(side)-2], side[len(side)-1], p) <= 0 {
		side = side[:len(side)-1]
	}
	return append(side, p)
}
